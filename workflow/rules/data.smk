# Data sets: got once, and hashed.


rule data:
    output:
        f"{RESULTS}/data/{{dataset}}.json",
    log:
        f"{RESULTS}/logs/data/{{dataset}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/data/{{dataset}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        by=lambda wildcards: made_by(
            f"data/{wildcards.dataset}", altered=altered(wildcards.dataset)
        ),
    shell:
        'python -m bench data "$study" --dataset {wildcards.dataset} --out {output} 2> {log}'
