"""Inception features: what the network sees, whose weights it has, agreement with pytorch-fid."""

import os
import re
import shutil
import subprocess
import sys
from unittest import mock

import numpy as np
import pytest
import pytorch_fid.fid_score
import pytorch_fid.inception
import torch
from PIL import Image

from bench import downloads, features, metrics, store
from bench.data.base import DataSet
from bench.features import classifier, inception
from bench.mistake import Mistake


def kind_of(name, shape, value_range=(0.0, 1.0)):
    return type("Points", (DataSet,), {"name": name, "shape": shape, "value_range": value_range})


RGB, GREY = kind_of("rgb", (3, 32, 32)), kind_of("grey", (1, 28, 28))


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A data root with the network's weights, random ones, in the published file's format."""
    with (
        torch.random.fork_rng(devices=[]),
        # What would be downloaded and loaded: nothing.
        mock.patch.object(pytorch_fid.inception, "load_state_dict_from_url"),
        mock.patch.object(torch.nn.Module, "load_state_dict"),
    ):
        torch.manual_seed(0)
        net = pytorch_fid.inception.fid_inception_v3()
        for module in net.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight)  # or all features would be near 0
    (path,) = features.files("inception", tmp_path_factory.mktemp("root"))
    path.parent.mkdir()
    torch.save(net.state_dict(), path)
    return path, store.sha256(path)


@pytest.fixture
def pinned(weights, monkeypatch):
    """The path of the random weights, which pass for the published ones."""
    path, sha256 = weights
    monkeypatch.setattr(inception, "SHA256", sha256)
    monkeypatch.setenv("BENCH_DATA", str(path.parent.parent))
    return path


@pytest.fixture
def no_web(monkeypatch, tmp_path):
    monkeypatch.setattr(inception, "URL", f"file://{tmp_path}/nowhere/weights.pth")


def images(count, shape, power=1):
    """Random images whose mean colour varies more than their pixels would make it."""
    rng = np.random.default_rng(power)
    mean = rng.random((count, shape[0], 1, 1))
    x = ((mean + rng.random((count, *shape))) / 2) ** power
    return torch.from_numpy(x).float()


def save(x, folder):
    """Images [N, C, H, W] as PNG files, in order."""
    folder.mkdir()
    pixels = np.round(255 * x.numpy()).astype(np.uint8).transpose(0, 2, 3, 1)
    paths = [folder / f"{i:03}.png" for i in range(len(x))]
    for image, path in zip(pixels, paths, strict=True):
        Image.fromarray(image.squeeze()).save(path)
    return paths


# Agreement with pytorch-fid


def test_the_distance_is_that_of_the_command_line(pinned, tmp_path):
    """Of PNG files of the same images, and the same weights, where torch.hub looks for them."""
    cache = tmp_path / "hub" / "checkpoints"
    cache.mkdir(parents=True)
    (cache / os.path.basename(inception.URL)).symlink_to(pinned)  # noqa: PTH119
    a, b = images(12, RGB.shape), images(12, RGB.shape, power=2)
    save(a, tmp_path / "a")
    save(b, tmp_path / "b")
    command = [sys.executable, "-m", "pytorch_fid", tmp_path / "a", tmp_path / "b"]
    command += ["--dims", "2048", "--device", "cpu", "--num-workers", "0"]
    environment = os.environ | {"TORCH_HOME": str(tmp_path)}
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        extractor = features.load("inception", RGB, "bilinear")
        found = metrics.fid(extractor(a.flatten(1)), extractor(b.flatten(1)))
        out, errors = process.communicate()
    assert process.returncode == 0, errors
    expected = float(re.search(r"FID: +(\S+)", out)[1])
    assert expected > 1
    assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("kind", [GREY, RGB], ids=lambda kind: kind.name)
def test_features_are_those_of_png_files(pinned, tmp_path, kind):
    x = images(3, kind.shape)
    extractor = features.load("inception", kind, "bilinear")
    found = extractor(x.flatten(1))
    with mock.patch.object(
        pytorch_fid.inception, "load_state_dict_from_url", return_value=torch.load(pinned)
    ):
        net = pytorch_fid.inception.InceptionV3()
    paths = save(x, tmp_path / "images")
    expected = pytorch_fid.fid_score.get_activations(paths, net, num_workers=0)
    assert (extractor.name, extractor.width) == ("inception", 2048)
    assert found.shape == (3, 2048)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_features_do_not_depend_on_the_batch_size(pinned):
    x = images(5, RGB.shape).flatten(1)
    one, two, all_ = (
        inception.Inception(RGB.shape, "bicubic", pinned, batch=batch)(x) for batch in (1, 2, 16)
    )
    scale = np.abs(all_).max()
    assert np.ptp(all_, axis=0).max() > 0.1 * scale
    np.testing.assert_allclose(one, all_, rtol=0, atol=1e-5 * scale)
    np.testing.assert_allclose(two, all_, rtol=0, atol=1e-5 * scale)


# What the network sees


def test_values_are_rounded_to_8_bits_and_clipped():
    """Of constant images, which no resizing changes."""
    values = [-1.0, 0.0, 0.4 / 255, 0.6 / 255, 0.5, 100.4 / 255, 1.0, 1.7]
    expected = np.array([0, 0, 0, 1, 128, 100, 255, 255]) / 255
    x = torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 8, 8)
    for resizer in features.RESIZERS:
        found = (inception.prepare(x, resizer) + 1) / 2
        assert found.shape == (8, 3, 299, 299)
        spread = np.broadcast_to(expected[:, None, None, None], found.shape)
        np.testing.assert_allclose(found, spread, rtol=0, atol=1e-6)


def test_not_a_number_stays_one():
    x = torch.full((1, 1, 8, 8), torch.nan)
    assert inception.prepare(x, "bilinear").isnan().all()


@pytest.mark.parametrize("side", [28, 64, 400])
def test_bicubic_is_pillows_in_floating_point(side):
    x = images(2, (3, side, side))
    found = inception.prepare(x, "bicubic")
    pixels = np.round(255 * x.numpy()).astype(np.float32)
    expected = np.stack(
        [
            [np.asarray(Image.fromarray(c).resize((299, 299), Image.Resampling.BICUBIC)) for c in x]
            for x in pixels
        ]
    )
    # 0.01 of 255 levels: torch's weights are float32.
    np.testing.assert_allclose(127.5 * (found + 1), expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("side", [28, 64, 400])
def test_bilinear_is_between_the_four_nearest_pixels(side):
    """Without antialiasing: at 400 × 400 some pixels count for nothing, or little."""
    x = images(1, (3, side, side))
    at = ((np.arange(299) + 0.5) * side / 299 - 0.5).clip(0, side - 1)
    low = np.minimum(np.floor(at).astype(int), side - 2)
    weights = np.zeros((299, side))
    weights[np.arange(299), low] = 1 - (at - low)
    weights[np.arange(299), low + 1] = at - low
    expected = weights @ np.round(255 * x.numpy()).astype(float) @ weights.T
    found = inception.prepare(x, "bilinear")
    np.testing.assert_allclose(127.5 * (found + 1), expected, rtol=0, atol=0.01)


@pytest.mark.parametrize("resizer", features.RESIZERS)
def test_grey_images_are_repeated(resizer):
    grey = images(2, GREY.shape)
    rgb = inception.prepare(grey.repeat(1, 3, 1, 1), resizer)
    torch.testing.assert_close(inception.prepare(grey, resizer), rgb, rtol=0, atol=1e-5)


def test_resizers_differ():
    x = images(1, RGB.shape)
    bilinear, bicubic = (inception.prepare(x, resizer) for resizer in features.RESIZERS)
    assert (bilinear - bicubic).abs().max() > 0.05


# What is refused


@pytest.mark.parametrize("shape", [(5, 784), (5, 12288), (5, 3, 32, 32), (3072,)])
def test_images_of_another_shape_are_refused(pinned, shape):
    with pytest.raises(Mistake, match=r"not \[N, 3072\] \(3 x 32 x 32\)"):
        features.load("inception", RGB, "bilinear")(torch.zeros(shape))


@pytest.mark.parametrize("resizer", [None, "lanczos"])
def test_another_resizer_is_refused(resizer):
    with pytest.raises(Mistake, match="allowed: bilinear, bicubic"):
        features.load("inception", RGB, resizer)


@pytest.mark.parametrize(
    ("shape", "value_range"),
    [((128,), None), ((2, 28, 28), (0, 1)), ((1, 28, 28), None), ((3, 32, 32), (-1, 1))],
)
def test_data_that_are_no_images_are_refused(shape, value_range):
    kind = kind_of("other", shape, value_range)
    assert features.lack("inception", kind) == "is not of grey or RGB images in [0, 1]"
    with pytest.raises(Mistake, match="no inception features: other is not of grey or RGB"):
        features.load("inception", kind, "bilinear")


def test_images_lack_nothing():
    assert features.lack("inception", GREY) is features.lack("inception", RGB) is None


def altered(content):
    return content[:-1] + bytes([content[-1] ^ 1])


DAMAGE = {
    "corrupt": altered,
    "truncated": lambda content: content[:-100],
    "empty": lambda content: b"",
    "swapped": lambda content: classifier.file("digits").read_bytes(),
    "mislabelled": lambda content: b"\x89PNG\r\n\x1a\n" + content,
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_weights_that_are_not_the_published_ones_are_refused(pinned, tmp_path, monkeypatch, damage):
    (path,) = features.files("inception", tmp_path)
    path.parent.mkdir()
    path.write_bytes(DAMAGE[damage](pinned.read_bytes()))
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    expected = f"{path} is truncated, altered or another file: its SHA-256 is "
    for refused in (lambda: features.load("inception", RGB, "bilinear"), inception.fetch):
        with pytest.raises(downloads.DataError, match=re.escape(expected)):
            refused()


@pytest.mark.usefixtures("no_web")
def test_missing_weights_are_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    with pytest.raises(downloads.DataError) as error:
        features.load("inception", RGB, "bilinear")
    (path,) = features.files("inception")
    assert path.parent.parent == tmp_path
    assert str(error.value).startswith(f"{path} is missing and cannot be downloaded")


@pytest.mark.parametrize("case", ["renamed", "reshaped", "no weights", "a list", "safetensors"])
def test_another_net_with_the_right_hash_is_refused(pinned, tmp_path, monkeypatch, case):
    path = tmp_path / "weights.pth"
    if case == "safetensors":
        shutil.copy(classifier.file("digits"), path)
    else:
        state = torch.load(pinned)
        state["fc.weights" if case == "renamed" else "fc.weight"] = state.pop("fc.weight")[:5]
        torch.save({"no weights": {}, "a list": [1, 2]}.get(case, state), path)
    monkeypatch.setattr(inception, "SHA256", store.sha256(path))
    with pytest.raises(Mistake, match=re.escape(f"{path} does not hold pytorch-fid's network: ")):
        inception.Inception(RGB.shape, "bilinear", path)


def test_weights_run_no_code(tmp_path, monkeypatch):
    class Code:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "made"),)

    path = tmp_path / "weights.pth"
    torch.save(Code(), path)
    monkeypatch.setattr(inception, "SHA256", store.sha256(path))
    with pytest.raises(Mistake, match=re.escape(f"{path} does not hold")):
        inception.Inception(RGB.shape, "bilinear", path)
    assert not (tmp_path / "made").exists()


# Where the weights come from


def test_weights_are_downloaded_once(pinned, tmp_path, monkeypatch):
    monkeypatch.setattr(inception, "URL", f"file://{pinned}")
    path = inception.fetch(tmp_path)
    assert (path,) == features.files("inception", tmp_path)
    assert store.sha256(path) == inception.SHA256
    monkeypatch.setattr(inception, "URL", "file:///nowhere")
    assert inception.fetch(tmp_path) == path


def test_the_pinned_weights_are_pytorch_fids():
    """Its file's name has the first digits of the SHA-256."""
    assert re.search(r"-([0-9a-f]{8})\.pth$", inception.URL)[1] == inception.SHA256[:8]
    assert features.files("inception", "root")[0].name == inception.URL.rpartition("/")[2]


def test_loading_leaves_torchs_generator_and_pytorch_fid_as_they_were(pinned):
    state, function = torch.random.get_rng_state(), pytorch_fid.inception.load_state_dict_from_url
    features.load("inception", RGB, "bilinear")
    assert torch.equal(torch.random.get_rng_state(), state)
    assert pytorch_fid.inception.load_state_dict_from_url is function
