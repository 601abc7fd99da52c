# Records to one table, and that to tables, figures, claims and the report.


rule collect:
    input:
        records=record_files(),
    output:
        report(f"{RESULTS}/records.csv", caption="../report/records.rst", category="Records"),
    log:
        f"{RESULTS}/logs/collect.log",
    benchmark:
        f"{RESULTS}/benchmarks/collect.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("records", "mixed"),
    shell:
        'python -m bench collect "$study" {input.records} --out {output} 2> {log}'


rule history:
    input:
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
        by=made_by("history"),
        files=lambda wildcards, input: [f"{models}/history.csv" for models in input.models],
    shell:
        "python -m bench history {params.files} --out {output} 2> {log}"


rule environment:
    input:
        models=models(),
    output:
        f"{RESULTS}/environment.json",
    log:
        f"{RESULTS}/logs/environment.log",
    benchmark:
        f"{RESULTS}/benchmarks/environment.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("environment"),
        files=lambda wildcards, input: [f"{models}/environment.json" for models in input.models],
    shell:
        "python -m bench environment {params.files} --out {output} 2> {log}"


rule costs:
    input:
        record_files(),
        galleries(),
    output:
        f"{RESULTS}/costs.csv",
    log:
        f"{RESULTS}/logs/costs.log",
    benchmark:
        f"{RESULTS}/benchmarks/costs.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("costs"),
        folder=f"{RESULTS}/benchmarks",
    shell:
        'python -m bench costs "$study" {params.folder} --out {output} 2> {log}'


rule tables:
    input:
        PUBLISHED,
        records=rules.collect.output[0],
    output:
        report(
            directory(f"{RESULTS}/tables"),
            caption="../report/table.rst",
            category="Tables",
            patterns=["{name}.csv"],
        ),
    log:
        f"{RESULTS}/logs/tables.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("report/tables"),
    shell:
        "python -m bench tables {input.records} --out {output} 2> {log}"


rule figures:
    input:
        beside,
        PUBLISHED,
        records=rules.collect.output[0],
    output:
        report(
            directory(f"{RESULTS}/figures"),
            caption="../report/figure.rst",
            category="Figures",
            patterns=["{name}.svg"],
        ),
    log:
        f"{RESULTS}/logs/figures.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("report/figures"),
    shell:
        "python -m bench figures {input.records} --out {output} 2> {log}"


rule claims:
    input:
        EXPLANATIONS,
        rules.history.output[0],
        rules.experiments.output[0],
        records=rules.collect.output[0],
    output:
        report(f"{RESULTS}/claims.json", caption="../report/claims.rst", category="Claims"),
    log:
        f"{RESULTS}/logs/claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/claims.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("report/results", *CLAIMS),
    shell:
        "python -m bench claims {input.records} --out {output} > {log} 2>&1"


rule report:
    input:
        beside,
        EXPLANATIONS,
        PUBLISHED,
        records=rules.collect.output[0],
        figures=rules.figures.output[0],
    output:
        report(f"{RESULTS}/report.html", caption="../report/report.rst", category="Report"),
    log:
        f"{RESULTS}/logs/report.log",
    benchmark:
        f"{RESULTS}/benchmarks/report.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
    params:
        by=made_by("report/page", *CLAIMS),
    shell:
        "python -m bench report {input.records} --figures {input.figures} --out {output} 2> {log}"
