"""How fast and how accurate are networks on streams of events?

Parts: "feed", "packets", "peers" and "scaling" measure live streams (see events_speed.py);
"accuracy", five folds of N-MNIST's recordings, with settings chosen inside the folds, beside
MLPClassifier and snnTorch; "full", recordings made of all of MNIST, learned file by file;
"prequential", learning on the fly beside river.
"""
from pathlib import Path

from . import events_accuracy, events_speed
from .report import option_parser, run_parts

PARTS = {**events_speed.PARTS, **events_accuracy.PARTS}


def main(argv=None):
    parser = option_parser(__doc__, data="nmnist_small.npz", parts=PARTS)
    parser.add_argument("--keep", metavar="FILE", type=Path, help="keep the folds of accuracy there, and go on from them")
    run_parts(PARTS, __doc__, parser.parse_args(argv))


if __name__ == "__main__":
    main()
