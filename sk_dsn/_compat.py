"""What we use of scikit-learn's private modules, and what its older versions lack, all in one place."""
from sklearn.base import _fit_context as fit_context
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import Interval, Options, StrOptions, make_constraint
from sklearn.utils.fixes import parse_version
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:  # before scikit-learn 1.9

    class CallbackSupportMixin:
        """Stands in for the mixin of scikit-learn 1.9: without callbacks, nobody is told."""

        def _init_callback_context(self, *, max_subtasks):
            return NoCallbacks()

    class NoCallbacks:
        def subcontext(self, *, task_name):
            return self

        def call_on_fit_task_begin(self, **told):
            return self

        def call_on_fit_task_end(self, **told):
            return False


__all__ = [
    "CallbackSupportMixin",
    "Interval",
    "Options",
    "StrOptions",
    "check_matplotlib_support",
    "check_sample_weight",
    "fit_context",
    "make_constraint",
    "parse_version",
]
