"""Messages about devices; those of GPUs as text."""

PROVOKED = (("expected-device", "nn.Linear(2, 3, device='cpu')(torch.zeros(1, 2, device='meta'))", {"first": "cpu", "second": "meta"}),)

OLD = (
    (
        "same-device",
        "Expected all tensors to be on the same device, but found at least two devices, cuda:0 and cpu! (when checking "
        "argument for argument mat1 in "
        "method wrapper_CUDA_addmm)",
        {"first": "cuda:0", "second": "cpu"},
    ),
    (
        "same-device",
        "Expected all tensors to be on the same device, but got mat1 is on cpu, different from other tensors on cuda:0 (when "
        "checking argument in method "
        "wrapper_CUDA_addmm)",
        {"first": "cpu", "second": "cuda:0"},
    ),
    (
        "input-hidden-device",
        "Input and hidden tensors are not at the same device, found input tensor at cuda:0 and hidden tensor at cpu",
        {"first": "cuda:0", "second": "cpu"},
    ),
    ("input-hidden-device", "indices should be either on cpu or on the same device as the indexed tensor (cpu)", {}),
    (
        "cuda-to-numpy",
        "TypeError: can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host memory first.",
        {"first": "cuda:0"},
    ),
)
