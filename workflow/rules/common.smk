# The study of this run, and what the rules ask of it.

import fcntl
import json
import os
import re
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path

from bench import cli, data, downloads, records, study, systems
from bench.environment import packages
from bench.sources import digest


def study_file():
    """The file given with --configfile, or the default study; relative to here where it is below.

    Snakemake's own `configfile:` would merge the two, so it is not used.
    """
    default = Path(workflow.basedir) / "workflow" / "config" / "default.yaml"
    if workflow.config_settings.config:
        refuse(f"--config: found {workflow.config_settings.config}; allowed: only --configfile")
    if len(workflow.configfiles) > 1:
        refuse(f"--configfile: found {len(workflow.configfiles)} files; allowed: one study file")
    path = Path(*workflow.configfiles or [default])
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def refuse(reason):
    """End with one line and exit code 2 before any job is planned."""
    print(f"bench: error: {reason}", file=sys.stderr)
    raise SystemExit(2)


try:
    STUDY_FILE = study_file()
    STUDY = study.read(STUDY_FILE)
except study.StudyError as error:
    refuse(error)

RESULTS = f"results/{STUDY.name}"
PACKAGES = packages()
PUBLISHED = sorted(
    os.path.relpath(file) for file in Path(workflow.basedir, "results/published").glob("*.csv")
)
EXPLANATIONS = [
    os.path.relpath(file)
    for file in Path(workflow.basedir, "results/explanations").glob(f"{STUDY.name}.yaml")
]
# The claims find their tests by name: no import tells of them.
CLAIMS = ["report/claims/__init__"]
CLAIMS += [
    f"report/claims/forms/{it.stem}"
    for it in sorted(Path(workflow.basedir, "bench/report/claims/forms").glob("*.py"))
]

# In the commands' prefix and not in parameters: another path to the same study, or to Python, is no
# reason to run a job anew. Huge pages for malloc, where Linux lets a process ask for them,
# make training steps faster (docs/speed.md) and change no number.
shell.prefix(
    "set -euo pipefail; "
    "export GLIBC_TUNABLES=${{GLIBC_TUNABLES:-glibc.malloc.hugetlb=1}}; "
    f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
    f"study={shlex.quote(str(STUDY_FILE))}; "
)


wildcard_constraints:
    dataset="|".join(STUDY.datasets),
    system="|".join(STUDY.systems),
    seed="|".join(map(str, STUDY.seeds)),
    protocol="|".join(STUDY.protocols),


# Of the CPU nothing is told: what is made there does not change when a study may use a GPU elsewhere.
DEVICE = {"device": STUDY.device, "tf32": STUDY.tf32} if STUDY.device != "cpu" else {}


def made_by(*modules, **told):
    """What decides a job's outputs besides its inputs, as text: the code of the modules of bench that
    it runs, the packages, and what the study tells it. It is a parameter of every rule, for of a
    change Snakemake sees neither an imported module's nor a package's."""
    decides = {"code": digest(*modules), "packages": PACKAGES, "study": told}
    return json.dumps(decides, sort_keys=True)


def curve(wildcards):
    """What a trained curve is made by. So no study joins results of two versions of one."""
    plan = asdict(STUDY.plan(wildcards.dataset, wildcards.system))
    more = {"dims": STUDY.datasets[wildcards.dataset], "master_seed": STUDY.master_seed} | DEVICE
    return made_by(*trainer(wildcards), **plan, **more)


def trainer(wildcards):
    """The modules that train a curve."""
    plan = STUDY.plan(wildcards.dataset, wildcards.system)
    return "runs", *systems.modules(plan.system.base, plan.options)


def protocol(wildcards):
    """What records are made by, besides models and seeds."""
    told = asdict(STUDY.protocols[wildcards.protocol])
    more = {"master_seed": STUDY.master_seed} | DEVICE
    return made_by("evaluation", "records", **told, **more)


def experiment(wildcards):
    """What an experiment's numbers are made by."""
    told = {"seeds": STUDY.seeds, "master_seed": STUDY.master_seed}
    return made_by("experiments/base", f"experiments/{wildcards.experiment}", **told)


def altered(dataset):
    """Whether a data set's files have been changed since its hash was written."""
    written = Path(f"{RESULTS}/data/{dataset}.json")
    if not written.exists():
        return False
    told, when = json.loads(written.read_text(encoding="utf-8")), written.stat().st_mtime
    files = [downloads.root() / name for name in told.pop("files", [])]
    if not any(file.exists() and file.stat().st_mtime > when for file in files):
        return False
    try:
        return data.load(dataset).fingerprint() != told
    except data.DataError:
        return True


def real_features(wildcards):
    """The features of real points that a protocol compares with."""
    extractor = STUDY.protocols[wildcards.protocol].extractor
    return f"{RESULTS}/features/{wildcards.dataset}/{extractor}.safetensors"


def weights(wildcards):
    """What vouches for an extractor's weights from outside."""
    outside = wildcards.extractor.startswith("inception")
    return f"{RESULTS}/features/inception.json" if outside else []


def models():
    """The folders of all trained curves."""
    return [f"{RESULTS}/models/{it.dataset}/{it.system}/{it.seed}" for it in STUDY.curves()]


def record_files():
    """The records of all curves and controls, by protocol."""
    curves = [f"{it.dataset}/{it.system}/{it.seed}" for it in STUDY.curves()]
    controls = [f"{dataset}/controls" for dataset in STUDY.datasets]
    return expand(
        f"{RESULTS}/records/{{of}}/{{protocol}}.csv", of=curves + controls, protocol=STUDY.protocols
    )


def beside(wildcards=None):
    """What lies beside the records, and the report shows: training curves, what they were trained
    with, experiments, and galleries."""
    names = "history.csv", "environment.json", "experiments.csv", "costs.csv"
    own = [f"{RESULTS}/{name}" for name in names]
    return [*own, *galleries()]


def galleries():
    """What is drawn of trained cells, by data set and system."""
    gallery = f"{RESULTS}/gallery/{{dataset}}/{{system}}.npz"
    return expand(gallery, dataset=list(STUDY.datasets), system=STUDY.systems)


def take_the_lock():
    """One run of a study at a time: the kernel's lock goes with the process, however it ends.

    Jobs' own Snakemake processes, on a cluster, are started without hooks, and so never take it."""
    global lock
    lock = Path(RESULTS, ".lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock = lock.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        refuse(f"{RESULTS}: another run is at work there")
    except OSError as error:
        told = f"no lock is to be had there ({error.strerror}): see to it that no other run is"
        print(f"bench: {RESULTS}: {told} at work there", file=sys.stderr)
    for file in Path(RESULTS).rglob(".*"):
        # What a killed run left of files that `bench.store.atomic` was writing.
        if re.fullmatch(r"\..+\.[a-z0-9_]{8}", file.name):
            file.unlink()


def assemble_what_there_is():
    """After failures that were to be passed over: a report of what was obtained, which says what
    is missing."""
    # What an earlier run left of a job that was to run again is not this run's, nor what it took.
    left = [it for it in workflow.dag.needrun_jobs() if not workflow.dag.finished(it)]
    stale = {str(file) for job in left for file in job.output}
    for job in left:
        if job.benchmark:
            Path(job.benchmark).unlink(missing_ok=True)
    files = [file for file in record_files() if Path(file).exists() and file not in stale]
    trained = [it for it in models() if Path(it).is_dir() and it not in stale]
    taken = [f"{RESULTS}/experiments/{it}.csv" for it in STUDY.experiments]
    taken = [it for it in taken if Path(it).exists() and it not in stale]
    made = "records.csv", "claims.json", "report.html"
    for file in (*(f"{RESULTS}/{name}" for name in made), *stale.intersection(beside())):
        Path(file).unlink(missing_ok=True)
    for name in "tables", "figures":
        shutil.rmtree(f"{RESULTS}/{name}", ignore_errors=True)
    steps = [
        ["collect", str(STUDY_FILE), *files]
        + ["--logs", f"{RESULTS}/logs", "--out", f"{RESULTS}/records.csv"],
        ["costs", str(STUDY_FILE), f"{RESULTS}/benchmarks", "--out", f"{RESULTS}/costs.csv"],
        ["experiments", *taken, "--out", f"{RESULTS}/experiments.csv"],
    ]
    for verb, name in (("history", "history.csv"), ("environment", "environment.json")):
        steps.append([verb, *(f"{it}/{name}" for it in trained), "--out", f"{RESULTS}/{name}"])
    for verb, out in (
        ("tables", "tables"),
        ("figures", "figures"),
        ("claims", "claims.json"),
        ("report", "report.html"),
    ):
        steps.append([verb, f"{RESULTS}/records.csv", "--out", f"{RESULTS}/{out}"])
    # All of them are tried: one that cannot be made is one thing less in the report.
    for step in steps:
        cli.main(step)
    if Path(f"{RESULTS}/report.html").exists():
        print(f"Report, with what is missing: {Path(f'{RESULTS}/report.html').absolute()}")


def print_failures():
    """The last line of each log of a job that failed: the reason, which Snakemake leaves there."""
    for log in sorted(Path(RESULTS, "logs").rglob("*.log")):
        if records.ended(log):
            last = log.read_text(encoding="utf-8", errors="replace").splitlines()[-1]
            print(f"{log}: {last}", file=sys.stderr)


def print_findings():
    """The verdicts, and where the report is."""
    from bench.report import claims

    if Path(f"{RESULTS}/claims.json").exists():
        print(claims.summary(f"{RESULTS}/claims.json"))
    if Path(f"{RESULTS}/report.html").exists():
        print(f"Report: {Path(f'{RESULTS}/report.html').absolute()}")
