"""How the neural network is declared: its layers, how it is fitted, and when it stops."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from conf.declaration import Declaration, Positive, Share

Activation = Literal["relu", "tanh", "elu"]
Output = Literal["sigmoid", "softmax"]
Loss = Literal["cross_entropy", "focal", "squared"]
Optimizer = Literal["adam", "adamw", "nadam", "rmsprop", "sgd"]
Schedule = Literal["constant", "cosine", "exponential"]
Scaling = Literal["none", "linear", "square_root"]


class Network(Declaration):
    """A feed-forward network of dense layers, and how it is fitted. Class weights are those of `training.balance`.

    hidden: units of each hidden layer; dropout is behind each of them.
    output: one unit with a sigmoid, or two with softmax.
    loss: cross-entropy; focal, which cares less for the customers it is sure of; squared distance.
    momentum: of sgd and rmsprop; the others have their own.
    clip_norm, global_clip_norm: longest gradient of one weight, or of all together; at most one of them.
    schedule: from the learning rate to nothing over all epochs by a cosine, or by `decay` each epoch.
    warmup_epochs: in which the learning rate rises from nothing.
    batch: rows of a step, on all ranks together, so that the result is the same on one rank or many. With `scaling`
        it is the rows of each rank, and the learning rate grows with the ranks, or with their square root.
    epochs: at most; fitting ends when the validation loss has not fallen for `patience` epochs (null: never before),
        and the weights of the best epoch are kept.
    validation_share: of the training customers, on whom nothing is fitted.
    shuffle: the rows anew in each epoch.
    """

    hidden: list[PositiveInt] = Field(default=[50, 50], min_length=1)
    activation: Activation = "relu"
    dropout: float = Field(default=0.0, ge=0, lt=1)
    output: Output = "sigmoid"
    loss: Loss = "cross_entropy"
    optimizer: Optimizer = "adam"
    learning_rate: Positive = 1e-3
    momentum: Share = 0.9
    clip_norm: Positive | None = None
    global_clip_norm: Positive | None = None
    schedule: Schedule = "constant"
    decay: float = Field(default=0.9, gt=0, le=1)
    warmup_epochs: int = Field(default=0, ge=0)
    scaling: Scaling = "none"
    batch: PositiveInt = 256
    epochs: PositiveInt = 50
    patience: PositiveInt | None = 5
    validation_share: float = Field(default=0.1, gt=0, lt=1)
    shuffle: bool = True

    @model_validator(mode="after")
    def _one_limit_of_gradients(self) -> "Network":
        if self.clip_norm is not None and self.global_clip_norm is not None:
            raise ValueError("give at most one of clip_norm and global_clip_norm")
        return self
