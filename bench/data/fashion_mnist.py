"""fashion-mnist: clothes (Xiao, Rasul and Vollgraf 2017), 28 × 28 grey, in MNIST's format."""

import torchvision

from bench.data import mnist

__all__ = ["DataSet"]


class DataSet(mnist.DataSet):
    """Split as MNIST is: 50,000, 10,000 and 10,000 images."""

    name = "fashion-mnist"
    classifier = "fashion"
    source = torchvision.datasets.FashionMNIST
