"""Sample and class weights, from the update of one sample to metadata routing."""
import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, make_multilabel_classification
from sklearn.metrics import accuracy_score, make_scorer, r2_score, recall_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.class_weight import compute_sample_weight

from estimator_helpers import assert_same_network
from sk_dsn import SpikingBackprop, SpikingMLPClassifier, SpikingMLPRegressor

SHARED = {"hidden_layer_sizes": (12,), "max_iter": 3, "random_state": 0}
ESTIMATORS = {
    "classifier": SpikingMLPClassifier(**SHARED),
    "regressor": SpikingMLPRegressor(**SHARED),
    "paper's neurons": SpikingMLPClassifier(
        **SHARED,
        neuron="rectifying",
        simulation="event-driven",
        n_time_steps=4,
        learning_rule=SpikingBackprop(feedback="step", weight_update="fractional"),
    ),
}


@pytest.fixture(params=ESTIMATORS)
def problem(request):
    """An estimator, data and random weights, a third of them zero."""
    estimator = clone(ESTIMATORS[request.param])
    if isinstance(estimator, SpikingMLPRegressor):
        X, y = load_diabetes(return_X_y=True)
        X, y = scale(X).astype(np.float32), scale(y)
    else:
        X, y = load_digits(return_X_y=True)
        X = (X / 16).astype(np.float32)
    X, y = X[:300], y[:300]
    rng = np.random.default_rng(0)
    return estimator, X, y, rng.uniform(0.5, 2, len(y)) * (rng.random(len(y)) < 2 / 3)


def trained(estimator, call, X, y, weights=None):
    if call == "fit":
        return clone(estimator).fit(X, y, weights)
    classes = {"classes": np.arange(10)} if hasattr(estimator, "predict_proba") else {}
    return clone(estimator).partial_fit(X, y, sample_weight=weights, **classes)


each_call = pytest.mark.parametrize("call", ["fit", "partial_fit"])


@each_call
def test_weight_zero_leaves_the_sample_out(problem, call):
    estimator, X, y, weights = problem
    there = weights > 0
    weighted, without = trained(estimator, call, X, y, weights), trained(estimator, call, X[there], y[there], weights[there])
    assert_same_network(weighted, without)
    assert weighted.loss_curve_ == without.loss_curve_
    assert weighted.t_ == without.t_ == there.sum() * weighted.n_iter_


def test_weight_zero_leaves_the_sample_out_of_the_validation_split(problem):
    estimator, X, y, weights = problem
    estimator.set_params(early_stopping=True, validation_fraction=0.2)
    there = weights > 0
    weighted, without = estimator.fit(X, y, weights), clone(estimator).fit(X[there], y[there], weights[there])
    assert_same_network(weighted, without)
    assert weighted.validation_scores_ == without.validation_scores_


@each_call
def test_weights_of_one_change_nothing(problem, call):
    estimator, X, y, _ = problem
    plain = trained(estimator, call, X, y)
    for ones in (np.ones(len(y)), 1):
        weighted = trained(estimator, call, X, y, ones)
        assert_same_network(weighted, plain)
        assert weighted.loss_curve_ == pytest.approx(plain.loss_curve_, rel=1e-12)


@each_call
def test_weights_of_two_double_the_rate(problem, call):
    estimator, X, y, _ = problem
    weighted = trained(estimator.set_params(learning_rate_init=0.03125), call, X, y, np.full(len(y), 2))
    assert_same_network(weighted, trained(estimator.set_params(learning_rate_init=0.0625), call, X, y))


def test_the_loss_is_the_weighted_mean(problem):
    estimator, X, y, weights = problem
    estimator.set_params(learning_rate_init=0, max_iter=1)
    if hasattr(estimator, "scale_target"):
        estimator.set_params(scale_target=False)  # by the weights
    # A call of `fit` would know no class but that of the sample.
    losses = [trained(estimator, "partial_fit", X, y, np.arange(len(y)) == i).loss_ for i in range(20)]
    X, y, weights = X[:20], y[:20], weights[:20]
    weights[:10] += 1  # of every class a sample
    assert estimator.fit(X, y, weights).loss_ == pytest.approx(np.average(losses, weights=weights), rel=1e-6)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_validation_scores_are_weighted(problem):
    estimator, X, y, weights = problem
    weights += 0.1
    estimator.set_params(early_stopping=True, validation_fraction=0.2).fit(X, y, weights)
    stratify = y if hasattr(estimator, "classes_") else None
    rows = train_test_split(np.arange(len(y)), test_size=0.2, random_state=estimator.seed_, stratify=stratify)[1]
    score = estimator.score(X[rows], y[rows], sample_weight=weights[rows])
    assert estimator.best_validation_score_ == pytest.approx(score, rel=1e-6)
    assert estimator.best_validation_score_ != pytest.approx(estimator.score(X[rows], y[rows]), rel=1e-4)


def test_score_is_weighted(problem):
    estimator, X, y, weights = problem
    metric = accuracy_score if hasattr(estimator.fit(X, y), "classes_") else r2_score
    assert estimator.score(X, y, weights) == metric(y, estimator.predict(X), sample_weight=weights)


# --- Class weights.


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return (X / 16).astype(np.float32), y


CLASS_WEIGHTS = {3: 0.5, 8: 2.5, 0: 0}


@each_call
def test_class_weights_are_weights_of_the_samples_and_multiply_them(digits, call):
    X, y = digits
    weights = np.random.default_rng(0).uniform(0.5, 1.5, len(y))
    # A class of weight 0 is named, and so it is there; by sample weights alone `fit` does not see it.
    class_weights = CLASS_WEIGHTS if call == "partial_fit" else CLASS_WEIGHTS | {0: 0.25}
    by_class = clone(ESTIMATORS["classifier"]).set_params(class_weight=class_weights)
    expanded = compute_sample_weight(class_weights, y)
    plain = ESTIMATORS["classifier"]
    assert_same_network(trained(by_class, call, X, y), trained(plain, call, X, y, expanded))
    assert_same_network(trained(by_class, call, X, y, weights), trained(plain, call, X, y, weights * expanded))


def test_a_class_of_class_weight_zero_is_there_and_not_learned(digits):
    X, y = digits
    clf = clone(ESTIMATORS["classifier"]).set_params(class_weight=CLASS_WEIGHTS).fit(X, y)
    assert clf.classes_.tolist() == list(range(10))
    spread = np.random.default_rng(0).permutation(len(y))[: np.count_nonzero(y == 0)]
    changed = X.copy()
    changed[y == 0] = X[spread]
    assert_same_network(clone(clf).fit(changed, y), clf)


def test_balanced_class_weights_are_scikit_learns(digits):
    X, y = digits
    X, y = X[(y < 5) | (np.arange(len(y)) % 7 == 0)], y[(y < 5) | (np.arange(len(y)) % 7 == 0)]
    balanced = clone(ESTIMATORS["classifier"]).set_params(class_weight="balanced").fit(X, y)
    assert_same_network(balanced, clone(ESTIMATORS["classifier"]).fit(X, y, compute_sample_weight("balanced", y)))


def test_balancing_counts_weights_not_samples(digits):
    X, y = digits
    there = np.arange(len(y)) % 3 < y % 3 + 1
    balanced = clone(ESTIMATORS["classifier"]).set_params(class_weight="balanced")
    assert_same_network(balanced.fit(X, y, there), clone(balanced).fit(X[there], y[there]))


def test_balanced_class_weights_find_more_of_a_rare_class():
    X, y = load_breast_cancer(return_X_y=True)
    X, few = scale(X[:, :4]), np.arange(len(y)) % 8 == 0
    X, y = X[(y == 1) | few], y[(y == 1) | few]  # one malignant sample to 12
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0, stratify=y)
    recall = {}
    for class_weight in (None, "balanced"):
        clf = SpikingMLPClassifier(class_weight=class_weight, max_iter=50, random_state=0).fit(X_train, y_train)
        recall[class_weight] = recall_score(y_test, clf.predict(X_test), pos_label=0)
    assert recall["balanced"] > recall[None]


# --- Metadata routing.


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_weights_are_routed_through_a_pipeline_to_each_fold_of_a_search(digits):
    X, y = digits[0][:400], digits[1][:400]
    weights = np.random.default_rng(0).uniform(0.2, 2, len(y))
    network = clone(ESTIMATORS["classifier"]).set_fit_request(sample_weight=True)
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), network)
    folds = KFold(3)
    by_hand = []
    for train, test in folds.split(X):
        scaler = StandardScaler().fit(X[train])
        clf = clone(network).fit(scaler.transform(X[train]), y[train], sample_weight=weights[train])
        by_hand.append(clf.score(scaler.transform(X[test]), y[test], sample_weight=weights[test]))
    scores = cross_validate(pipeline, X, y, cv=folds, scoring=scorer, params={"sample_weight": weights})["test_score"]
    assert scores.tolist() == by_hand
    grid = {"spikingmlpclassifier__learning_rate_init": [0.01, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=folds, scoring=scorer).fit(X, y, sample_weight=weights)
    assert [search.cv_results_[f"split{k}_test_score"][1] for k in range(3)] == by_hand
    assert search.best_params_ == {"spikingmlpclassifier__learning_rate_init": 1.0}


def test_without_routing_a_pipeline_takes_weights_by_the_name_of_the_step(digits):
    X, y = digits
    weights = np.random.default_rng(0).uniform(0.2, 2, len(y))
    pipeline = make_pipeline(StandardScaler(), clone(ESTIMATORS["classifier"]))
    pipeline.fit(X, y, spikingmlpclassifier__sample_weight=weights)
    by_hand = clone(ESTIMATORS["classifier"]).fit(StandardScaler().fit_transform(X), y, weights)
    assert_same_network(pipeline[-1], by_hand)


@pytest.mark.usefixtures("routing")
def test_weights_that_were_not_requested_are_refused_by_a_search(digits):
    search = GridSearchCV(ESTIMATORS["classifier"], {"dropout": [0]}, cv=2)
    with pytest.raises(ValueError, match="sample_weight"):
        search.fit(*digits, sample_weight=np.ones(len(digits[1])))


@pytest.mark.usefixtures("routing")
def test_weights_can_be_requested_of_each_method_that_takes_them(problem):
    estimator = problem[0]
    for method in ("fit", "partial_fit", "score"):
        getattr(estimator, f"set_{method}_request")(sample_weight=True)
        assert estimator.get_metadata_routing().consumes(method, ["sample_weight"]) == {"sample_weight"}


def test_class_weights_of_multilabel_targets_are_refused():
    X, Y = make_multilabel_classification(n_samples=50, random_state=0)
    with pytest.raises(ValueError, match="class_weight does not go with multilabel targets"):
        SpikingMLPClassifier((5,), class_weight="balanced", max_iter=1).fit(X, Y)


def test_weight_0_leaves_a_multilabel_sample_out():
    X, Y = make_multilabel_classification(n_samples=60, random_state=0)
    clf = SpikingMLPClassifier((5,), max_iter=3, random_state=0, early_stopping=True)
    weights = np.repeat([1.0, 0.0], [50, 10])
    with_zeros = clone(clf).fit(X, Y, weights)
    assert_same_network(with_zeros, clf.fit(X[:50], Y[:50]))
    assert with_zeros.validation_scores_ == clf.validation_scores_


def test_a_class_whose_samples_all_weigh_nothing_is_not_there():
    X, y = load_digits(return_X_y=True)
    weights = (y != 3).astype(float)
    clf = SpikingMLPClassifier(**SHARED).fit(X / 16, y, weights)
    assert clf.classes_.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    without = SpikingMLPClassifier(**SHARED).fit(X[y != 3] / 16, y[y != 3])
    assert_same_network(clf, without)
    with pytest.raises(ValueError, match="only one class"):
        SpikingMLPClassifier(**SHARED).fit(X, y, (y == 3).astype(float))


def test_samples_that_weigh_nothing_may_have_any_label():
    X, y = load_digits(return_X_y=True)
    known, weights = y < 5, (y < 5).astype(float)
    clf = SpikingMLPClassifier(**SHARED).fit(X[known] / 16, y[known])
    without = clone(clf).fit(X[known] / 16, y[known]).partial_fit(X[known] / 16, y[known])
    assert_same_network(clf.partial_fit(X / 16, y, sample_weight=weights), without)
    stopping = {"early_stopping": True, "X_val": X / 16, "y_val": y, "sample_weight_val": weights}
    scored = SpikingMLPClassifier(**SHARED, early_stopping=stopping.pop("early_stopping"))
    scored.fit(X[known] / 16, y[known], **stopping)
    assert scored.best_validation_score_ == scored.score(X[known] / 16, y[known])


def test_classes_that_are_passed_are_kept_without_samples():
    X, y = load_digits(return_X_y=True)
    clf = SpikingMLPClassifier(**SHARED)
    clf.partial_fit(X / 16, y, classes=np.arange(10), sample_weight=(y != 3).astype(float))
    assert clf.classes_.tolist() == list(range(10))


def test_values_of_samples_that_weigh_nothing_do_not_matter():
    X, y = load_diabetes(return_X_y=True)
    X, y = scale(X), scale(y)
    weights = (np.arange(len(y)) % 3 > 0).astype(float)
    other = np.where(weights > 0, y, 1e30)
    assert_same_network(*(SpikingMLPRegressor(**SHARED).fit(X, values, weights) for values in (y, other)))
