"""The journey of docs/events.md: its code, run as a user runs it."""
import re
from pathlib import Path

import joblib
import pytest

import sk_dsn

PAGE = Path(__file__).resolve().parents[2] / "docs" / "events.md"


@pytest.fixture
def journey(tmp_path, monkeypatch, capsys):
    """What the page's code has defined in the end, and what it has printed."""
    if not PAGE.is_file():
        pytest.skip("docs/events.md is not part of this installation")
    monkeypatch.chdir(tmp_path)
    # A process of the journey finds the package that is under test.
    monkeypatch.setenv("PYTHONPATH", str(Path(sk_dsn.__file__).parents[1]))
    names = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL):
        file = re.match(r"# (\w+\.py)\n", block)
        if file:
            Path(file[1]).write_text(block)
        else:
            exec(compile(block, str(PAGE), "exec"), names)
    return names, capsys.readouterr().out.splitlines()


def test_another_process_answers_while_packets_arrive(journey):
    names, (chosen, said) = journey
    assert "'spikingmlpclassifier__leak': 0.3" in chosen
    assert float(chosen.split()[-1]) > 0.9
    model = joblib.load("model.joblib")
    n_steps, answer = said.split()[:2]
    assert answer == names["labels"][-1] == model.predict(names["recordings"][-1:])[0]
    assert int(n_steps) == 80_000 // model[0].time_step
