# Trained curves, and each data set's controls, to records. The variable makes glibc give large arrays
# back at once: a third less memory at the peak.


rule evaluate:
    input:
        sources("evaluation", "records"),
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
        mem_mb=1000,
    params:
        protocol=protocol,
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench evaluate "$study" --dataset {wildcards.dataset} --system {wildcards.system}'
        " --seed {wildcards.seed} --models {input.models} --threads {threads} --out {output}"
        " 2> {log}"


rule controls:
    input:
        sources("evaluation", "records"),
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
        mem_mb=1000,
    params:
        protocol=protocol,
        seeds=STUDY.seeds,
    shell:
        'MALLOC_MMAP_THRESHOLD_=1048576 python -m bench evaluate "$study" --dataset {wildcards.dataset} --controls'
        " --threads {threads} --out {output} 2> {log}"
