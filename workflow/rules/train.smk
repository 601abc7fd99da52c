# One job trains one curve: all latent dimensions of one data set, system and seed. Cells that were
# trained before, for this study or another, are taken from results/cells.


rule train:
    input:
        data=f"{RESULTS}/data/{{dataset}}.json",
    output:
        directory(f"{RESULTS}/models/{{dataset}}/{{system}}/{{seed}}"),
    log:
        f"{RESULTS}/logs/train/{{dataset}}/{{system}}/{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{dataset}}/{{system}}/{{seed}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        by=curve,
    shell:
        'python -m bench train "$study" --dataset {wildcards.dataset} --system {wildcards.system}'
        " --seed {wildcards.seed} --cells results/cells --threads {threads} --out {output} 2> {log}"
