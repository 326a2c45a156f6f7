"""Which run is asked what: by its stage and settings, by its name only to tell CLAP from CLAP*.

A contrastive run ranks label texts by cosine (App. D, App. H), a generative one answers (sec. 4.2).
Only the run that the paper calls Pengi answers every prompt of Table 11, ranks labels by likelihood
and is probed; an ablation answers the headline prompt of what its table shows.
"""

from typing import Any

from schemas import TEMPLATES, Benchmark, Release, Run

# How answers come about; raised whenever the same model would give other answers.
VERSIONS = {
    "generate": 1,
    "cosine": 1,
    "likelihood": 1,
    "likelihood_sum": 1,
    "likelihood_pmi": 1,
    "probe": 1,
}
PROBED = ("beijing_opera", "crema_d", "esc50", "fsd50k", "gtzan_genres", "ravdess")  # Table 9


def protocols(run: Run, benchmark: Benchmark) -> tuple[str, ...]:
    """How `run` is asked about `benchmark`; empty where neither has anything to say to the other.

    "likelihood" stands for its variants too.
    """
    stage = run.config["stage"]
    closed = bool(benchmark.labels)
    if stage == "clap":
        ranked = ("cosine",) if closed else ()
        # Table 9 probes CLAP; CLAP* differs from it in nothing but what it read
        return (*ranked, *(_probed(benchmark) if run.name == "clap" else ()))
    if stage != "pengi" or not _shown(run, benchmark):
        return ()
    if not is_pengi(run):
        return ("generate",)
    return ("generate", *(("likelihood",) if closed else ()), *_probed(benchmark))


def prompted(run: Run, benchmark: Benchmark, release: Release) -> Benchmark:
    """The benchmark with the prompts that this run is asked, the headline's first.

    Prompts that the release has pairs for come before those that nothing was trained on.
    """
    trained = {TEMPLATES[name].input for part in release.parts for name in part.pair_counts}
    prompts = sorted(benchmark.prompts, key=lambda prompt: prompt not in trained)
    asked = prompts if is_pengi(run) else prompts[:1]
    return benchmark.model_copy(update={"prompts": tuple(asked)})


def is_pengi(run: Run) -> bool:
    """Whether a run is the paper's Pengi and none of its ablations."""
    settings = _settings(run)
    return (
        run.config["stage"] == "pengi"
        and settings.get("variant", "pengi") == "pengi"
        and settings.get("audio_rate", 1.0) > 0
        and not _captions_only(settings)
    )


def _shown(run: Run, benchmark: Benchmark) -> bool:
    """Whether a table of the paper, or a mean over one, shows a generative run's answers."""
    settings = _settings(run)
    if _captions_only(settings):
        return benchmark.scoring == "caption"  # Table 4
    if settings.get("variant") == "lm_prompt_only":
        return bool(benchmark.labels)  # App. F, Experiment A: text says that it does not work
    return True


def _captions_only(settings: dict[str, Any]) -> bool:
    return set(settings.get("templates", {})) == {"audio_captioning"}


def _probed(benchmark: Benchmark) -> tuple[str, ...]:
    return ("probe",) if benchmark.name in PROBED else ()


def _settings(run: Run) -> dict[str, Any]:
    return run.config.get("settings", {})
