"""The private modules of scikit-learn that we use, and parts that its older versions lack."""
import inspect
from collections.abc import Callable
from typing import TypeVar

from sklearn.base import BaseEstimator, _fit_context
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    make_constraint,
    validate_parameter_constraints,
)
from sklearn.utils.fixes import parse_version
from sklearn.utils.parallel import _get_threadpool_controller
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:
        def _init_callback_context(self, *, max_subtasks): ...


Method = TypeVar("Method", bound=Callable)


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """scikit-learn's decorator of `fit`, which keeps the types of the method."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def one_blas_thread():
    """A context in which linear algebra takes one thread."""
    return _get_threadpool_controller().limit(limits=1, user_api="blas")


class DocumentationLink:
    """The HTML representation of an estimator links to its page in this package's documentation."""

    _doc_link_module = "sk_dsn"
    _doc_link_template = "https://sk-dsn.readthedocs.io/en/stable/generated/{estimator_module}.{estimator_name}.html"


class CheckedParameters(DocumentationLink, BaseEstimator):
    """An object with parameters that are checked by its `_parameter_constraints`.

    scikit-learn makes the constraints and inspects the signature in each check, which takes half of
    the time of learning a sample. Here a class makes its constraints once, and defaults need no
    check.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        defaults = inspect.signature(cls).parameters
        cls._made_constraints = {
            name: (defaults[name].default, [make_constraint(constraint) for constraint in constraints])
            for name, constraints in cls._parameter_constraints.items()
            if name in defaults
        }

    def _validate_params(self):
        check_parameters(self)


def check_parameters(checked, *names):
    """Raises scikit-learn's error where parameters break the constraints of their class.

    Without `names` all are checked.
    """
    made = checked._made_constraints
    for name in names or made:
        default, constraints = made[name]
        value = getattr(checked, name)
        if value is default:
            continue
        if not any(constraint.is_satisfied_by(value) for constraint in constraints):
            kind = type(checked)
            validate_parameter_constraints({name: kind._parameter_constraints[name]}, {name: value}, kind.__name__)
        if isinstance(value, CheckedParameters):
            check_parameters(value)


class NoCallbacks:
    """The context of callbacks where there are none: it calls nobody."""

    def subcontext(self, *, task_name):
        return self

    def call_on_fit_task_begin(self, **call):
        return self

    def call_on_fit_task_end(self, **call):
        return False


class CallbackSupport(CallbackSupportMixin):
    """scikit-learn's mixin, without a context for each epoch where there are no callbacks."""

    def _init_callback_context(self, *, max_subtasks):
        context = super()._init_callback_context(max_subtasks=max_subtasks)
        return context if getattr(self, "_skl_callbacks", None) else NoCallbacks()


__all__ = [
    "CallbackSupport",
    "CheckedParameters",
    "DocumentationLink",
    "Interval",
    "Options",
    "StrOptions",
    "check_matplotlib_support",
    "check_parameters",
    "check_sample_weight",
    "fit_context",
    "make_constraint",
    "parse_version",
]
