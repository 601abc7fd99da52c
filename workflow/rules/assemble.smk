# Records to one table, and that to tables, figures, claims and the report.


rule collect:
    input:
        sources("records"),
        records=record_files(),
    output:
        f"{RESULTS}/records.csv",
    log:
        f"{RESULTS}/logs/collect.log",
    benchmark:
        f"{RESULTS}/benchmarks/collect.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    shell:
        'python -m bench collect "$study" {input.records} --out {output} 2> {log}'


rule history:
    input:
        sources("history"),
        models=models(),
    output:
        f"{RESULTS}/history.csv",
    log:
        f"{RESULTS}/logs/history.log",
    benchmark:
        f"{RESULTS}/benchmarks/history.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        files=lambda wildcards, input: [f"{models}/history.csv" for models in input.models],
    shell:
        "python -m bench history {params.files} --out {output} 2> {log}"


rule tables:
    input:
        sources("report/tables"),
        PUBLISHED,
        records=rules.collect.output[0],
    output:
        directory(f"{RESULTS}/tables"),
    log:
        f"{RESULTS}/logs/tables.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    shell:
        "python -m bench tables {input.records} --out {output} 2> {log}"


rule figures:
    input:
        sources("report/figures"),
        beside,
        records=rules.collect.output[0],
    output:
        directory(f"{RESULTS}/figures"),
    log:
        f"{RESULTS}/logs/figures.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    shell:
        "python -m bench figures {input.records} --out {output} 2> {log}"


rule claims:
    input:
        sources(*CLAIMS),
        rules.history.output[0],
        rules.experiments.output[0],
        records=rules.collect.output[0],
    output:
        f"{RESULTS}/claims.json",
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    shell:
        "python -m bench claims {input.records} --out {output} > {log} 2>&1"


rule report:
    input:
        sources("report/page", *CLAIMS),
        beside,
        PUBLISHED,
        records=rules.collect.output[0],
    output:
        f"{RESULTS}/report.html",
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    shell:
        "python -m bench report {input.records} --out {output} 2> {log}"
