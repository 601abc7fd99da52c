# How the shipped weights of the digit classifier were made. No study needs it. To ship new ones, copy
# the file to bench/features/ and its SHA-256 into bench/features/digits.py.


rule digit_classifier:
    input:
        sources("features/digits", "data/mnist"),
    output:
        "results/features/digits.safetensors",
    log:
        "results/features/logs/digits.log",
    benchmark:
        "results/features/benchmarks/digits.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    shell:
        "python -m bench classifier --out {output} 2> {log}"
