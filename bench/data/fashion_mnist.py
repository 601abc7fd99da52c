"""fashion-mnist: clothes (Xiao, Rasul and Vollgraf 2017), 28 × 28 grey, in MNIST's format."""

import torchvision

from bench.data import mnist

__all__ = ["DataSet"]


class DataSet(mnist.DataSet):
    """50,000 images to train on, the last 10,000 of the train file to choose by, 10,000 to test on."""

    name = "fashion-mnist"
    source = torchvision.datasets.FashionMNIST
