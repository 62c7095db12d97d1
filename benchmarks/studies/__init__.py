"""How hyperparameters were chosen, the libraries beside us, and questions that few readers have."""
