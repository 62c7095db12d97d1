"""What we use of scikit-learn's private modules, all in one place."""
from sklearn.base import _fit_context as fit_context
from sklearn.utils._optional_dependencies import check_matplotlib_support
from sklearn.utils._param_validation import Interval, Options, StrOptions
from sklearn.utils.fixes import parse_version

__all__ = ["Interval", "Options", "StrOptions", "check_matplotlib_support", "fit_context", "parse_version"]
