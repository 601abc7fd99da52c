# Real points to features; trained curves, and each data set's controls, to records. The variable makes glibc give large arrays
# back at once: a third less memory at the peak.


rule inception_weights:
    output:
        protected(str(*features.files("inception", None))),
    log:
        f"{RESULTS}/logs/features/inception.log",
    benchmark:
        f"{RESULTS}/benchmarks/features/inception.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        "python -m bench weights > {log} 2>&1"


rule real_features:
    input:
        sources("real", "features/__init__"),
        weights,
        data=rules.data.output[0],
    output:
        f"{RESULTS}/features/{{dataset}}/{{extractor}}.safetensors",
    log:
        f"{RESULTS}/logs/features/{{dataset}}/{{extractor}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/features/{{dataset}}/{{extractor}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench features "$study"'
        " --dataset {wildcards.dataset} --extractor {wildcards.extractor}"
        " --threads {threads} --out {output} 2> {log}"


rule evaluate:
    input:
        sources("evaluation", "records"),
        real=real_features,
        models=rules.train.output[0],
    output:
        f"{RESULTS}/records/{{dataset}}/{{system}}/{{seed}}.csv",
    log:
        f"{RESULTS}/logs/evaluate/{{dataset}}/{{system}}/{{seed}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{dataset}}/{{system}}/{{seed}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        protocols=protocols,
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench evaluate "$study"'
        " --dataset {wildcards.dataset} --system {wildcards.system} --seed {wildcards.seed}"
        " --models {input.models} --real $(dirname {input.real[0]}) --threads {threads}"
        " --out {output} 2> {log}"


rule controls:
    input:
        sources("evaluation", "records"),
        real=real_features,
        data=rules.data.output[0],
    output:
        f"{RESULTS}/records/{{dataset}}/controls.csv",
    log:
        f"{RESULTS}/logs/evaluate/{{dataset}}/controls.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{dataset}}/controls.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
    params:
        protocols=protocols,
        seeds=STUDY.seeds,
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench evaluate "$study"'
        " --dataset {wildcards.dataset} --controls --real $(dirname {input.real[0]})"
        " --threads {threads} --out {output} 2> {log}"
