# What jobs ask for: memory and minutes as the study's counted cost has them, doubled at each retry.

from functools import cache, partial

from bench import needs

MODELS = f"{RESULTS}/models/{{dataset}}/{{system}}/{{seed}}"
CELL = f"{RESULTS}/cells/{{dataset}}/{{system}}/{{seed}}/{{dim}}"
STACKED = [pair for pair, plan in STUDY.plans.items() if plan.net.kind == "mlp"]
ALONE = [pair for pair, plan in STUDY.plans.items() if plan.net.kind != "mlp"]


# What is light runs where Snakemake does, whatever runs the others.
localrules:
    all,
    join,
    collect,
    history,
    environment,
    costs,
    experiments,
    tables,
    figures,
    claims,
    report,


def data_sets_of(pairs):
    """A regular expression for a curve's data set, if it and the system after it are such a pair:
    the same files come of two rules, by the curve's net."""
    ahead = "|".join(f"{dataset}/{system}/" for dataset, system in pairs)
    return f"(?={ahead})[^/]+" if pairs else "(?!)"


# A resource: a GPU for each job that must have one. What only may have one (auto) asks for none.
GPU = {"gpu": 1, "gpu_manufacturer": "nvidia"} if STUDY.device == "cuda" else {}


def mem_mb(of):
    """A resource: the memory that `of` says of a job's wildcards."""
    return lambda wildcards, attempt: of(wildcards).mem_mb * 2 ** (attempt - 1)


def runtime(of):
    """A resource: the minutes that `of` says of a job's wildcards."""
    return lambda wildcards, attempt: of(wildcards).minutes * 2 ** (attempt - 1)


training = cache(partial(needs.training, STUDY))
measuring = cache(partial(needs.measuring, STUDY))


def of_stack(wildcards):
    return training(wildcards.dataset, wildcards.system, STUDY.datasets[wildcards.dataset])


def of_cell(wildcards):
    return training(wildcards.dataset, wildcards.system, (int(wildcards.dim),))


def of_measure(wildcards):
    """Also of controls, which are no system's."""
    system = getattr(wildcards, "system", None)
    return measuring(wildcards.dataset, system, getattr(wildcards, "protocol", None))


def cell(wildcards):
    """What a cell that is trained alone is made by."""
    plan = asdict(STUDY.plan(wildcards.dataset, wildcards.system))
    return made_by(*trainer(wildcards), **plan, master_seed=STUDY.master_seed, **DEVICE)
