"""SpikingBackprop and the parameter learning_rule: copies, searches, files, and its table."""
import inspect
import itertools
import pickle
import re

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from estimator_helpers import PAPER_RULE, assert_holds, assert_same_network, held, small
from sk_dsn import PAPER_SETTINGS, SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor
from sk_dsn._parameters import checked_simulation, choose_simulation, refusals, rule_of

STEP = {"feedback": "step", "weight_update": "fractional"}


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    return X / 8, y


@pytest.fixture(params=[SpikingMLPClassifier, SpikingMLPRegressor], ids=lambda kind: kind.__name__)
def estimator(request):
    return request.param((8,), max_iter=2, random_state=0, learning_rule=SpikingBackprop(**STEP))


# --- Values of learning_rule.


def test_no_rule_is_the_default_rule(iris):
    assert_same_network(small().fit(*iris), small(learning_rule=SpikingBackprop()).fit(*iris))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_paper_is_the_rule_of_the_paper(iris):
    settings = PAPER_SETTINGS | {"hidden_layer_sizes": (8,), "max_iter": 3, "random_state": 0, "weight_init_scale": 1.0}
    named = SpikingMLPClassifier(**settings).fit(*iris)
    spelt = SpikingMLPClassifier(**settings | {"learning_rule": SpikingBackprop(**PAPER_RULE)}).fit(*iris)
    other = SpikingMLPClassifier(**settings | {"learning_rule": SpikingBackprop(**STEP)}).fit(*iris)
    assert_same_network(named, spelt)
    assert (named.coefs_[0] != other.coefs_[0]).any()


def test_the_settings_of_the_paper_are_plain_values_that_no_estimator_changes():
    assert all(isinstance(value, (bool, int, float, str)) for value in PAPER_SETTINGS.values())
    a, b = SpikingMLPClassifier(**PAPER_SETTINGS), SpikingMLPClassifier(**PAPER_SETTINGS)
    a.set_params(learning_rule=SpikingBackprop())
    assert b.learning_rule == PAPER_SETTINGS["learning_rule"] == "paper"


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("feedback", None),
        ("weight_update", "adam"),
        ("output_activation", "softmax"),
        ("hold_error", "yes"),
        ("smooth_gradient", "yes"),
        ("backward_reset", "never"),
        ("forward_reset", "random"),
        ("mask_negative_inputs", 2),
    ],
)
def test_bad_parameters_of_a_rule_are_refused(iris, call, name, value):
    estimator = small(learning_rule=SpikingBackprop(**{name: value}))
    classes = {"classes": [0, 1, 2]} if call == "partial_fit" else {}
    with pytest.raises(ValueError, match=f"The '{name}' parameter of SpikingBackprop must be"):
        getattr(estimator, call)(*iris, **classes)
    assert not hasattr(estimator, "coefs_")


def test_a_rule_that_there_is_not_is_refused_by_prediction_too(iris):
    estimator = small().fit(*iris).set_params(learning_rule="papr")
    with pytest.raises(ValueError, match=r"'learning_rule' parameter of SpikingMLPClassifier.*'paper'"):
        estimator.predict(iris[0])


# --- The rule belongs to the user.


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_training_does_not_change_the_rule(estimator, iris, call):
    rule, before = estimator.learning_rule, estimator.learning_rule.get_params()
    classes = {"classes": [0, 1, 2]} if call == "partial_fit" and hasattr(estimator, "class_weight") else {}
    getattr(estimator, call)(*iris, **classes).predict(iris[0])
    assert estimator.learning_rule is rule
    assert vars(rule) == before


def test_a_later_change_of_the_rule_is_read_by_the_next_call(iris):
    rule = SpikingBackprop()
    changed = small(learning_rule=rule).fit(*iris)
    expected = small().fit(*iris)
    before = held(changed)
    rule.set_params(feedback="step")
    assert checked_simulation(changed) == "clock-driven"
    # Of what `fit` has set nothing has changed, and a signed network answers the same.
    assert_holds(changed, before | {"learning_rule": rule})
    np.testing.assert_array_equal(changed.predict(iris[0]), expected.predict(iris[0]))
    changed.partial_fit(*iris)
    assert_same_network(changed, expected.set_params(learning_rule=SpikingBackprop(feedback="step")).partial_fit(*iris))
    rule.set_params(forward_reset="keep")
    with pytest.raises(ValueError, match="forward_reset='keep' needs neuron='rectifying'"):
        changed.predict(iris[0])


def test_a_clone_has_a_rule_of_its_own(estimator):
    twin = clone(estimator)
    assert twin.learning_rule is not estimator.learning_rule
    assert twin.get_params() | {"learning_rule": None} == estimator.get_params() | {"learning_rule": None}
    twin.set_params(learning_rule__feedback="sample")
    assert estimator.learning_rule.feedback == "step"


def test_parameters_of_the_rule_are_those_of_the_estimator_where_there_is_a_rule(estimator):
    deep, shallow = estimator.get_params(), estimator.get_params(deep=False)
    assert {name for name in deep if name not in shallow} == {
        f"learning_rule__{name}" for name in inspect.signature(SpikingBackprop).parameters
    }
    assert deep["learning_rule__weight_update"] == "fractional"
    assert not [name for name in SpikingMLPClassifier().get_params() if "__" in name]


def test_parameters_of_a_rule_can_be_set_only_where_there_is_one():
    with pytest.raises(ValueError, match=r"learning_rule__feedback .*learning_rule=SpikingBackprop\(\)"):
        SpikingMLPClassifier(learning_rule="paper").set_params(learning_rule__feedback="step")
    estimator = SpikingMLPClassifier().set_params(learning_rule=SpikingBackprop(), learning_rule__feedback="step")
    assert estimator.learning_rule.feedback == "step"


def test_a_search_goes_through_the_parameters_of_the_rule(iris):
    pipeline = make_pipeline(StandardScaler(), small(learning_rule=SpikingBackprop()))
    name = "spikingmlpclassifier__learning_rule__"
    grid = {f"{name}feedback": ["sample", "step"], f"{name}backward_reset": ["keep", "random"]}
    search = GridSearchCV(pipeline, grid, cv=2, n_jobs=2, error_score="raise").fit(*iris)
    assert len(search.cv_results_["params"]) == 4
    assert set(search.best_params_) == set(grid)
    by_hand = clone(pipeline).set_params(**search.best_params_).fit(*iris)
    assert_same_network(search.best_estimator_[-1], by_hand[-1])
    assert pipeline[-1].learning_rule.feedback == "sample"


# --- Representations and files.


def test_representations_show_the_rule(estimator, iris):
    assert "learning_rule=SpikingBackprop(feedback='step'" in re.sub(r"\s+", " ", repr(estimator))
    assert eval(repr(SpikingBackprop(**STEP))).get_params() == SpikingBackprop(**STEP).get_params()
    for html in (estimator._repr_html_(), estimator.fit(*iris)._repr_html_(), SpikingBackprop(**STEP)._repr_html_()):
        assert "SpikingBackprop" in html and "fractional" in html


def through_pickle(estimator, path):
    return pickle.loads(pickle.dumps(estimator))


def through_joblib(estimator, path):
    joblib.dump(estimator, path)
    return joblib.load(path)


def through_skops(estimator, path):
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    skops.dump(estimator, path)
    untrusted = skops.get_untrusted_types(file=path)
    kinds = {type(estimator), SpikingBackprop}
    assert set(untrusted) == {f"{kind.__module__}.{kind.__name__}" for kind in kinds}
    return skops.load(path, trusted=untrusted)


@pytest.mark.parametrize("through", [through_pickle, through_joblib, through_skops])
def test_a_file_holds_the_rule(estimator, iris, through, tmp_path):
    loaded = through(estimator.fit(*iris), tmp_path / "model")
    assert loaded.learning_rule.get_params() == estimator.learning_rule.get_params()
    assert loaded.learning_rule is not estimator.learning_rule
    np.testing.assert_array_equal(loaded.predict(iris[0]), estimator.predict(iris[0]))
    assert_same_network(loaded.partial_fit(*iris), estimator.partial_fit(*iris))


# --- The table of combinations that do not exist.


def table_rows():
    """Rows of the table in the docstring: the parameter, its needs, the reason."""
    lines = inspect.getdoc(SpikingBackprop).split("\n")
    borders = [k for k, line in enumerate(lines) if line.startswith("====")]
    spans = [match.span() for match in re.finditer("=+", lines[borders[0]])]
    rows = []
    for line in lines[borders[1] + 1 : borders[2]]:
        cells = [line[first:end].strip() for first, end in spans]
        if cells[0]:
            rows.append(cells)
        else:  # goes on with the row above
            rows[-1] = [f"{above} {cell}".strip() for above, cell in zip(rows[-1], cells, strict=True)]
    return rows


CHOICES = {
    "simulation": ["auto", "counting", "clock-driven", "event-driven", "event-driven-depth-first"],
    "neuron": ["signed", "rectifying"],
    "loss": ["log_loss", "squared_error"],
    "error_resolution": [1, 1.5, 2],
    "dropout": [0, 0.5],
    "leak": [0, 0.5],
    "readout": ["last", "mean"],
}
RULE_CHOICES = {
    "feedback": ["sample", "step"],
    "weight_update": ["sgd", "fractional"],
    "output_activation": ["linear", "rectifying"],
    "hold_error": [True, False],
    "forward_reset": ["zero", "keep"],
}


def holds(condition, values):
    """Whether a condition of the table is true: a whole number, equalities joined by "and", or values joined by "or"."""
    if condition == "a whole number as error_resolution":
        return float(values["error_resolution"]).is_integer()
    if " or " in condition:
        name, allowed = condition.split("=")
        return values[name] in [eval(value) for value in allowed.split(" or ")]
    equalities = [part.split("=") for part in re.split(", | and ", condition)]
    return all(values[name] == eval(value) for name, value in equalities)


def test_the_table_says_which_combinations_exist_and_why_the_others_do_not():
    rows, said = table_rows(), set()
    for values in itertools.product(*CHOICES.values(), *RULE_CHOICES.values()):
        values = dict(zip([*CHOICES, *RULE_CHOICES], values, strict=True))
        rule = SpikingBackprop(**{name: values[name] for name in RULE_CHOICES})
        estimator = SpikingMLPClassifier(learning_rule=rule, **{name: values[name] for name in CHOICES})
        values["simulation"] = choose_simulation(estimator, rule_of(estimator))
        messages = list(refusals(estimator, rule, values["simulation"]))
        expected = [
            f"{parameter} needs {needs}: {reason}."
            for parameter, needs, reason in rows
            if holds(parameter, values) and not holds(needs, values)
        ]
        assert sorted(messages) == sorted(expected)
        said.update(messages)
        if messages:
            with pytest.raises(ValueError, match=re.escape(messages[0])):
                checked_simulation(estimator)
        else:
            assert checked_simulation(estimator) == values["simulation"]
    assert len(said) == len(rows)  # every row refuses something
