# Data sets: got once, and hashed.


rule data:
    input:
        lambda wildcards: sources(f"data/{wildcards.dataset}"),
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
    shell:
        'python -m bench data "$study" --dataset {wildcards.dataset} --out {output} 2> {log}'
