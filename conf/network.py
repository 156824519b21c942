"""Declaration of the neural network: its layers, how it is fitted, and when the fit ends."""

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
    """A feed-forward network of dense layers, and how it is fitted. `training.balance` gives its class weights.

    hidden: units of each hidden layer, in order.
    activation: activation of the hidden layers: `relu`, `tanh` or `elu`.
    dropout: share of units dropped after each hidden layer in training.
    output: output layer: `sigmoid`, one unit, or `softmax`, two units.
    loss: `cross_entropy`, `focal` (gives less weight to customers that are predicted well) or `squared` (squared
        difference of probability and label).
    optimizer: `adam`, `adamw`, `nadam`, `rmsprop` or `sgd`.
    learning_rate: learning rate. The schedule, the warm-up and the scaling change it.
    momentum: momentum of sgd and rmsprop, 0 to 1; other optimizers do not use it.
    clip_norm: maximum norm of the gradient of each weight array. Null: no limit. At most one of `clip_norm` and
        `global_clip_norm` may be given.
    global_clip_norm: maximum norm of the gradient of all weights together. Null: no limit.
    schedule: how the learning rate changes: `constant`, `cosine` (falls to 0 over all epochs) or `exponential` (is
        multiplied by `decay` after each epoch).
    decay: factor of the schedule `exponential`, above 0 and at most 1.
    warmup_epochs: number of epochs in which the learning rate rises linearly from 0; with 0 there is no warm-up.
    scaling: what changes with the number of ranks. With `none`, `batch` is divided among the ranks, so that the result
        is the same on any number of them. Otherwise each rank takes a whole `batch`, and the learning rate is
        multiplied by the number of ranks (`linear`) or by its square root (`square_root`).
    batch: number of rows of a training step.
    epochs: maximum number of epochs.
    patience: number of epochs without a lower validation loss after which the fit ends; null: never. The weights of the
        best epoch are kept in any case.
    validation_share: share of the training customers that are used for the validation loss and not for the fit, above 0
        and below 1.
    shuffle: whether the rows are shuffled again in each epoch.
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
    def _check_limits(self) -> "Network":
        if self.clip_norm is not None and self.global_clip_norm is not None:
            raise ValueError("clip_norm, global_clip_norm: both are given; give at most one of them")
        return self
