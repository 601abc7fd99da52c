# Experiments, which need no trained model: one job each, and their numbers in one table, which is
# empty where a study names none.


rule experiment:
    output:
        f"{RESULTS}/experiments/{{experiment}}.csv",
    log:
        f"{RESULTS}/logs/experiments/{{experiment}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/experiments/{{experiment}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        by=experiment,
    shell:
        'python -m bench experiment "$study" --name {wildcards.experiment} --out {output} 2> {log}'


rule experiments:
    input:
        files=expand(f"{RESULTS}/experiments/{{experiment}}.csv", experiment=STUDY.experiments),
    output:
        f"{RESULTS}/experiments.csv",
    log:
        f"{RESULTS}/logs/experiments.log",
    benchmark:
        f"{RESULTS}/benchmarks/experiments.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("experiments/base"),
    shell:
        "python -m bench experiments {input.files} --out {output} 2> {log}"
