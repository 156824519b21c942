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

    Give at most one of `clip_norm` and `global_clip_norm`.

    hidden: units of each hidden layer.
    activation: activation function of the hidden layers.
    dropout: share of hidden units left out in each step, after every hidden layer.
    output: output layer: one unit with a sigmoid, or two with softmax.
    loss: loss function: cross-entropy, focal (which gives less weight to rows that are predicted well), or squared
        error.
    optimizer: optimizer of Keras.
    learning_rate: learning rate of the first step after warm-up.
    momentum: momentum of sgd and rmsprop.
    clip_norm: maximum norm of the gradient of one weight array.
    global_clip_norm: maximum norm of the gradient of all weights together.
    schedule: how the learning rate falls: not at all, to 0 over all epochs by a cosine, or by the factor `decay` in
        each epoch.
    decay: factor of each epoch in the exponential schedule.
    warmup_epochs: epochs in which the learning rate rises from 0.
    scaling: with `none` a batch is divided among the ranks, so that the result does not depend on their number; else
        each rank has a whole batch, and the learning rate is multiplied by the number of ranks (`linear`) or by its
        square root.
    batch: rows of a step.
    epochs: maximum number of epochs.
    patience: the fit ends when the validation loss has not fallen for so many epochs; null: never before `epochs`. The
        weights of the best epoch are kept.
    validation_share: share of the training customers on whom the loss is validated and nothing is fitted.
    shuffle: whether rows are shuffled in each epoch.
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
