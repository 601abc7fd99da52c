# How the shipped weights of the classifiers were made. No study needs it. To ship new ones, copy the
# file to bench/features/ and its SHA-256 into bench/features/classifier.py.


rule classifier:
    output:
        "results/features/{classifier}.safetensors",
    log:
        "results/features/logs/{classifier}.log",
    benchmark:
        "results/features/benchmarks/{classifier}.tsv"
    wildcard_constraints:
        classifier="colour|digits|fashion",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
    params:
        by=made_by("features/fit", "data/mnist", "data/fashion-mnist"),
    shell:
        "python -m bench classifier {wildcards.classifier} --out {output} 2> {log}"
