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
        def _init_callback_context(self, *, max_subtasks): ...


class NoCallbacks:
    """A context of scikit-learn's callbacks where there are none: nobody is told."""

    def subcontext(self, *, task_name):
        return self

    def call_on_fit_task_begin(self, **told):
        return self

    def call_on_fit_task_end(self, **told):
        return False


class CallbackSupport(CallbackSupportMixin):
    """scikit-learn's mixin, without a context for each epoch where there are no callbacks."""

    def _init_callback_context(self, *, max_subtasks):
        context = super()._init_callback_context(max_subtasks=max_subtasks)
        return context if getattr(self, "_skl_callbacks", None) else NoCallbacks()


__all__ = [
    "CallbackSupport",
    "Interval",
    "Options",
    "StrOptions",
    "check_matplotlib_support",
    "check_sample_weight",
    "fit_context",
    "make_constraint",
    "parse_version",
]
