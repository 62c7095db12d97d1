"""Models saved by other versions, and by skops. (Files that this version wrote: test_classifier.py.)"""
import pickle
import warnings

import numpy as np
import pytest
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sk_dsn
from sk_dsn import SpikingMLPClassifier, SpikingMLPRegressor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
TARGETS = {SpikingMLPClassifier: np.where(X[:, 0] > 0, "yes", "no"), SpikingMLPRegressor: X[:, 0]}


@pytest.fixture(params=TARGETS, ids=lambda kind: kind.__name__)
def fitted(request):
    return request.param((6,), max_iter=2, random_state=0).fit(X, TARGETS[request.param])


def saved(estimator, version, *, without=(), **more):
    """A pickle of the estimator as another version might have written it."""

    class Older(type(estimator)):
        def __reduce__(self):
            state = {name: value for name, value in vars(self).items() if name not in without} | more
            return object.__new__, (type(estimator),), state | ({} if version is None else {"_sk_dsn_version": version})

    older = Older()
    older.__dict__ = vars(estimator)
    return pickle.dumps(older)


@pytest.mark.parametrize("version", [None, "0.0.1", sk_dsn.__version__])
def test_a_model_of_this_version_or_an_older_one_loads_without_a_word(fitted, version):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = pickle.loads(saved(fitted, version))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))
    assert vars(loaded).keys() == vars(fitted).keys()


def test_parameters_that_are_newer_than_a_model_get_their_defaults(fitted):
    loaded = pickle.loads(saved(fitted, "0.0.1", without=["dropout", "simulation"]))
    assert loaded.get_params() == fitted.get_params()
    np.testing.assert_array_equal(loaded.partial_fit(X, TARGETS[type(fitted)]).predict(X).shape, (60,))


def test_a_model_that_lacks_what_is_needed_says_so_plainly(fitted):
    with pytest.raises(ValueError, match=r"saved by sk_dsn 0\.0\.1 without n_outputs_, seed_.*train it anew"):
        pickle.loads(saved(fitted, "0.0.1", without=["n_outputs_", "seed_"]))


def test_a_model_of_a_newer_version_loads_with_a_warning(fitted):
    with pytest.warns(InconsistentVersionWarning, match=r"\(sk_dsn\) from version 99\.1"):
        loaded = pickle.loads(saved(fitted, "99.1", something_new_=3))
    np.testing.assert_array_equal(loaded.predict(X), fitted.predict(X))


EARLIER = {"propagation": "breadth-first", "feedback": "sample", "weight_update": "sgd", "output_activation": "linear"}


@pytest.mark.parametrize("version", [None, sk_dsn.__version__])
@pytest.mark.parametrize("fit", [True, False], ids=["fitted", "unfitted"])
def test_a_model_of_an_earlier_layout_says_that_it_cannot_be_loaded_and_what_to_do(fitted, version, fit):
    estimator = fitted if fit else type(fitted)()
    file = saved(estimator, version, without=["learning_rule"], **EARLIER)
    with pytest.raises(ValueError, match=r"earlier layout.*cannot be loaded.*Train it anew.*coefs_init") as refused:
        pickle.loads(file)
    assert type(fitted).__name__ in str(refused.value)


def test_skops_refuses_a_model_of_an_earlier_layout_too(fitted, tmp_path):
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    del fitted.learning_rule
    vars(fitted).update(EARLIER)
    skops.dump(fitted, tmp_path / "model.skops")
    untrusted = skops.get_untrusted_types(file=tmp_path / "model.skops")
    with pytest.raises(ValueError, match=r"earlier layout.*cannot be loaded"):
        skops.load(tmp_path / "model.skops", trusted=untrusted)


def test_an_unfitted_estimator_of_an_older_version_loads_unfitted():
    loaded = pickle.loads(saved(SpikingMLPClassifier(max_iter=7), "0.0.1", without=["dropout"]))
    assert (loaded.max_iter, loaded.dropout) == (7, None)
    with pytest.raises(NotFittedError):
        loaded.predict(X)


def test_the_version_is_in_the_file_and_not_in_the_estimator(fitted):
    assert sk_dsn.__version__.encode() in pickle.dumps(fitted)
    assert not [name for name in vars(pickle.loads(pickle.dumps(fitted))) if "version" in name]


def test_skops_lists_the_estimator_alone_as_what_must_be_trusted_and_loads_it(fitted, tmp_path):
    skops = pytest.importorskip("skops.io", reason="skops is not installed")
    pipeline = make_pipeline(StandardScaler(), fitted).fit(X, TARGETS[type(fitted)])
    skops.dump(pipeline, tmp_path / "model.skops")
    untrusted = skops.get_untrusted_types(file=tmp_path / "model.skops")
    assert untrusted == [f"{type(fitted).__module__}.{type(fitted).__name__}"]
    loaded = skops.load(tmp_path / "model.skops", trusted=untrusted)
    np.testing.assert_array_equal(loaded.predict(X), pipeline.predict(X))
    assert loaded[-1].get_params() == pipeline[-1].get_params()
    loaded[-1].partial_fit(X, TARGETS[type(fitted)])
