"""TUT Acoustic Scenes 2017: fifteen scenes in ten-second binaural clips (Mesaros et al. 2016)."""

from collections.abc import Iterator

from schemas import Archive, Benchmark, Dataset, Malformed, Raw, Row

_RECORD = {"development": 400515, "evaluation": 1040168}
_FILES = (  # part, bytes, md5
    ("development.doc", 54796, "2065495aaf3f1103e795c9899e2af1df"),
    ("development.meta", 104321, "9007fd4772d816590c5db5f5e9568f5d"),
    ("development.error", 1432, "802c700b021769e52a2c1e3b9c117a1b"),
    ("development.audio.1", 1071445248, "251325a9afaaad0326ad1c57f57d514a"),
    ("development.audio.2", 1073453613, "c26861e05147dc319b4250eb103d9d99"),
    ("development.audio.3", 1073077819, "a4815775f8a5e629179726ee4cd4f55a"),
    ("development.audio.4", 1072822038, "1732b03afe8c53ef8bba80ba14766e57"),
    ("development.audio.5", 1072644652, "611be754a0c951185c6ae4b7643c19a0"),
    ("development.audio.6", 1072667888, "165a201db800d3ea76fce5a9c2bd97d7"),
    ("development.audio.7", 1073417661, "c7d79db84264401c0f8680dcc36013ad"),
    ("development.audio.8", 1072381222, "35043f25123439392338c790494c7a19"),
    ("development.audio.9", 1072087738, "0805dcf5d8e6871dc9610182b2efb93a"),
    ("development.audio.10", 1046262120, "5df83a191295a04e290b125c634e13e7"),
    ("evaluation.doc", 53687, "53709a07416ea3b617c02fcf67dbeb9c"),
    ("evaluation.meta", 4473, "200eee9493e8044403e1326e3d05cfde"),
    ("evaluation.audio.1", 1071856687, "3d6dda4445871e9544e0fefe7d14c7d9"),
    ("evaluation.audio.2", 1073362972, "4085ef5fa286f2169074993a4e405953"),
    ("evaluation.audio.3", 1071521152, "cac432579e7cf2dff0aec7aaed248956"),
    ("evaluation.audio.4", 382756463, "664bf09c3d24bd26c6b587f1d709de36"),
)
SCENES = (
    *("beach", "bus", "cafe/restaurant", "car", "city center", "forest path", "grocery store"),
    *("home", "library", "metro station", "office", "park", "residential area", "train", "tram"),
)


def _archive(part: str, size: int, md5: str) -> Archive:
    name = f"TUT-acoustic-scenes-2017-{part}.zip"
    record = _RECORD[part.partition(".")[0]]
    return Archive(
        name=name,
        url=f"https://zenodo.org/record/{record}/files/{name}",
        checksum=f"md5:{md5}",
        bytes=size,
    )


DATASET = Dataset(
    name="tut2017",
    title="TUT Acoustic Scenes 2017",
    homepage="https://zenodo.org/record/1040168",
    licence="LicenseRef-TUT-Non-Commercial",
    citation="Mesaros et al.: TUT database for acoustic scene classification and sound event "
    "detection, EUSIPCO 2016",
    archives=tuple(_archive(*file) for file in _FILES),
    splits=("development", "evaluation"),
    expected_clips={"development": 4680, "evaluation": 1620},
    hours=17.5,  # 6,300 clips of 10 s
    notes=(
        "Scored is the evaluation set: seven of eight accuracies in the paper are multiples of "
        "1/1620. All 6,300 clips (Table 2: 6.3k) fit all eight, but would fit almost anything.",
        "4,680 and 1,620 are inferred (15 scenes, 108 clips each in the evaluation set).",
        "The error package lists recording faults in the development set, which is not scored.",
        "Names in the evaluation set are anonymous; map.txt leads to the original recordings.",
        'Label texts are the publisher\'s words with "_" as a space; cafe/restaurant keeps its '
        'slash (another text, such as "cafe or restaurant", is a value of Benchmark.labels).',
    ),
)

_TABLES = (("development", "meta.txt"), ("evaluation", "evaluation_setup/evaluate.txt"))


def rows(raw: Raw) -> Iterator[Row | Malformed]:
    """One row per line of the development set's meta.txt and the evaluation set's evaluate.txt."""
    for split, table in _TABLES:
        for path in raw.names(f"*{split}/{table}"):
            root = path.removesuffix(table)
            for line in raw.csv(path, delimiter="\t", header=("file", "scene", "recording")):
                row_id, clip = f"{split}:{line['file']}", f"{root}{line['file']}"
                scene = line["scene"].strip().replace("_", " ")
                if scene in SCENES:
                    yield Row(row_id=row_id, clip=clip, split=split, scene=scene)
                else:
                    yield Malformed(row_id=row_id, clip=clip, reason="unknown_scene")


BENCHMARKS = (
    Benchmark(
        name="tut2017",
        dataset="tut2017",
        title="TUT 2017, acoustic scene classification",
        splits=("evaluation",),
        validation=("development",),
        prompts=(
            *("generate metadata", "generate audio caption", "this is a sound of"),
            "this acoustic scene is",
        ),
        truth="scene",
        scoring="match",
        metric="accuracy",
        labels={scene: scene for scene in SCENES},
        n_official=1620,
    ),
)
