# Real points to features; trained curves, and each data set's controls, to records, one job a
# protocol. The variable makes glibc give large arrays back at once: a third less memory at the peak.


rule inception_weights:
    output:
        f"{RESULTS}/features/inception.json",
    log:
        f"{RESULTS}/logs/features/inception.log",
    benchmark:
        f"{RESULTS}/benchmarks/features/inception.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        by=made_by("features/inception"),
    shell:
        "python -m bench weights --out {output} 2> {log}"


rule real_features:
    input:
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
        **GPU,
        mem_mb=mem_mb(of_measure),
        runtime=runtime(of_measure),
    params:
        by=made_by("real", "features/__init__", **DEVICE),
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench features "$study"'
        " --dataset {wildcards.dataset} --extractor {wildcards.extractor}"
        " --threads {threads} --out {output} 2> {log}"


rule evaluate:
    input:
        real=real_features,
        models=MODELS,
    output:
        f"{RESULTS}/records/{{dataset}}/{{system}}/{{seed}}/{{protocol}}.csv",
    log:
        f"{RESULTS}/logs/evaluate/{{dataset}}/{{system}}/{{seed}}/{{protocol}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{dataset}}/{{system}}/{{seed}}/{{protocol}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **GPU,
        mem_mb=mem_mb(of_measure),
        runtime=runtime(of_measure),
    params:
        by=protocol,
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench evaluate "$study"'
        " --dataset {wildcards.dataset} --system {wildcards.system} --seed {wildcards.seed}"
        " --protocol {wildcards.protocol} --models {input.models} --real $(dirname {input.real})"
        " --threads {threads} --out {output} 2> {log}"


rule controls:
    input:
        real=real_features,
        data=rules.data.output[0],
    output:
        f"{RESULTS}/records/{{dataset}}/controls/{{protocol}}.csv",
    log:
        f"{RESULTS}/logs/evaluate/{{dataset}}/controls/{{protocol}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate/{{dataset}}/controls/{{protocol}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        **GPU,
        mem_mb=mem_mb(of_measure),
        runtime=runtime(of_measure),
    params:
        by=protocol,
        seeds=STUDY.seeds,
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench evaluate "$study"'
        " --dataset {wildcards.dataset} --controls --protocol {wildcards.protocol}"
        " --real $(dirname {input.real}) --threads {threads} --out {output} 2> {log}"
