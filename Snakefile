# From a study file to its report: `snakemake --cores all [--configfile workflow/config/….yaml]`.
# Without --configfile it is workflow/config/default.yaml. The words are in docs/architecture.md.
# `snakemake --report FILE.html`, after a run, writes Snakemake's own report of it.


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/gallery.smk"
include: "workflow/rules/experiment.smk"
include: "workflow/rules/assemble.smk"
include: "workflow/rules/features.smk"


rule all:
    default_target: True
    input:
        f"{RESULTS}/records.csv",
        f"{RESULTS}/history.csv",
        f"{RESULTS}/environment.json",
        f"{RESULTS}/costs.csv",
        f"{RESULTS}/experiments.csv",
        f"{RESULTS}/tables",
        f"{RESULTS}/figures",
        f"{RESULTS}/claims.json",
        f"{RESULTS}/report.html",


onstart:
    take_the_lock()


onsuccess:
    print_findings()


onerror:
    print_failures()
    if workflow.execution_settings.keep_going:
        assemble_what_there_is()
