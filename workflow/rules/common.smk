# The study of this run, and what the rules ask of it.

import json
import os
import shlex
import sys
from dataclasses import asdict
from modulefinder import ModuleFinder
from pathlib import Path

from bench import study


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
PACKAGE_DATA = (".html", ".mplstyle", ".safetensors", ".yaml")

# In the commands' prefix and not in parameters: another path to the same study, or to Python, is no
# reason to run a job anew.
shell.prefix(
    "set -euo pipefail; "
    f"export PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH; "
    f"study={shlex.quote(str(STUDY_FILE))}; "
)


wildcard_constraints:
    dataset="|".join(STUDY.datasets),
    system="|".join(STUDY.systems),
    seed="|".join(map(str, STUDY.seeds)),


def sources(*modules):
    """The files of modules of bench, of all they import from bench, and of the data beside them:
    inputs of the rules that run them, for Snakemake sees no change of an imported module. What
    `study.py` reads reaches a job as its parameters, so it is left out.
    """
    root, files = workflow.basedir, set()
    for module in modules:
        finder = ModuleFinder([root])
        finder.run_script(f"{root}/bench/{module.replace('-', '_')}.py")
        files.update(Path(it.__file__) for it in finder.modules.values() if it.__file__)
    data = {file for path in files for file in path.parent.glob("*") if file.suffix in PACKAGE_DATA}
    return sorted(os.path.relpath(file) for file in files | data if file.name != "study.py")


def curve(wildcards):
    """All in the study that a trained curve depends on, as text: a change of it trains anew."""
    return json.dumps(
        {
            "master_seed": STUDY.master_seed,
            "system": asdict(STUDY.systems[wildcards.system]),
            "dims": STUDY.datasets[wildcards.dataset],
            "net": asdict(STUDY.net),
            "training": asdict(STUDY.training),
        },
        sort_keys=True,
    )


def protocol(wildcards):
    """All in the study that an evaluation depends on besides models and seeds, as text."""
    return json.dumps(asdict(STUDY.evaluation) | {"master_seed": STUDY.master_seed}, sort_keys=True)


def print_failures():
    """The last line of each log that ends in an error: the reason, which Snakemake leaves there."""
    for log in sorted(Path(RESULTS, "logs").rglob("*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
        if lines[-1].startswith("bench: error:") or "Traceback (most recent call last):" in lines:
            print(f"{log}: {lines[-1]}", file=sys.stderr)


def print_findings():
    """The verdicts, and where the report is."""
    from bench.report import claims

    if Path(f"{RESULTS}/claims.json").exists():
        print(claims.summary(f"{RESULTS}/claims.json"))
    if Path(f"{RESULTS}/report.html").exists():
        print(f"Report: {Path(f'{RESULTS}/report.html').absolute()}")
