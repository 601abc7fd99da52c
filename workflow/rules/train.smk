# Trained curves: all latent dimensions of one data set, system and seed. A perceptron's are one stack
# and one job; convolutional cells are trained alone, a job each, and joined. Cells that were trained
# before, for this study or another, are taken from results/cells.


rule train:
    input:
        data=f"{RESULTS}/data/{{dataset}}.json",
    output:
        directory(MODELS),
    log:
        f"{RESULTS}/logs/train/{{dataset}}/{{system}}/{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{dataset}}/{{system}}/{{seed}}.tsv"
    wildcard_constraints:
        dataset=data_sets_of(STACKED),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **GPU,
        mem_mb=mem_mb(of_stack),
        runtime=runtime(of_stack),
    params:
        by=curve,
    shell:
        'python -m bench train "$study" --dataset {wildcards.dataset} --system {wildcards.system}'
        " --seed {wildcards.seed} --cells results/cells --threads {threads} --out {output} 2> {log}"


rule train_cell:
    input:
        data=f"{RESULTS}/data/{{dataset}}.json",
    output:
        temp(directory(CELL)),
    log:
        f"{RESULTS}/logs/train/{{dataset}}/{{system}}/{{seed}}/{{dim}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/train/{{dataset}}/{{system}}/{{seed}}/{{dim}}.tsv"
    wildcard_constraints:
        dim=r"\d+",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **GPU,
        mem_mb=mem_mb(of_cell),
        runtime=runtime(of_cell),
    params:
        by=cell,
    shell:
        'python -m bench train "$study" --dataset {wildcards.dataset} --system {wildcards.system}'
        " --seed {wildcards.seed} --dims {wildcards.dim} --cells results/cells"
        " --threads {threads} --out {output} 2> {log}"


rule join:
    input:
        cells=lambda wildcards: [
            CELL.format(**wildcards, dim=dim) for dim in STUDY.datasets[wildcards.dataset]
        ],
    output:
        directory(MODELS),
    log:
        f"{RESULTS}/logs/join/{{dataset}}/{{system}}/{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/join/{{dataset}}/{{system}}/{{seed}}.tsv"
    wildcard_constraints:
        dataset=data_sets_of(ALONE),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        by=curve,
    shell:
        "python -m bench join {input.cells} --out {output} 2> {log}"
