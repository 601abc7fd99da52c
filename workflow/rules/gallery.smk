# Trained curves of the study's first seed to what can be drawn of them, images and codes: one job a
# data set and system.


rule gallery:
    input:
        models=f"{RESULTS}/models/{{dataset}}/{{system}}/{STUDY.seeds[0]}",
    output:
        f"{RESULTS}/gallery/{{dataset}}/{{system}}.npz",
    log:
        f"{RESULTS}/logs/gallery/{{dataset}}/{{system}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/gallery/{{dataset}}/{{system}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **GPU,
        mem_mb=mem_mb(of_measure),
        runtime=runtime(of_measure),
    params:
        by=made_by("gallery", **DEVICE),
        seed=STUDY.seeds[0],
    shell:
        'python -m bench gallery "$study" --dataset {wildcards.dataset}'
        " --system {wildcards.system} --seed {params.seed} --models {input.models}"
        " --threads {threads} --out {output} 2> {log}"
