"""to_c: a fitted network as C99."""


def to_c(estimator, folder=None, name="network", *, weights="int8", layout="files", learning=False):
    """A fitted network as C99 that computes what the estimator computes, bit for bit."""
    raise NotImplementedError


class CNetwork:
    """The C of a network, compiled for this machine where it is run."""
