"""Messages of the GPU. None can be provoked here: the texts stand as they are printed."""

_AT = "../aten/src/ATen/native/cuda/"
_THREAD = "block: [0,0,0], thread: [5,0,0] Assertion "

PROVOKED: tuple[tuple[str, str, dict[str, object]], ...] = ()
OLD = (
    ("cuda-label", f"{_AT}Loss.cu:245: nll_loss_forward_reduce_cuda_kernel_2d: {_THREAD}`t >= 0 && t < n_classes` failed.", {}),
    ("cuda-label", f"{_AT}NLLLoss2d.cu:104: nll_loss2d_forward_kernel: {_THREAD}`cur_target >= 0 && cur_target < n_classes` failed.", {}),
    (
        "cuda-label",
        "/pytorch/aten/src/THCUNN/ClassNLLCriterion.cu:108: cunn_ClassNLLCriterion_updateOutput_kernel: block: [0,0,0], thread: [1,0,0] "
        "Assertion `t >= 0 && t < n_classes` failed.\nRuntimeError: CUDA error: device-side assert triggered",
        {},
    ),
    ("cuda-embedding", f"{_AT}Indexing.cu:1141: indexSelectLargeIndex: {_THREAD}`srcIndex < srcSelectDimSize` failed.", {}),
    (
        "cuda-embedding-bag",
        f"{_AT}EmbeddingBag.cu:141: EmbeddingBag_updateOutputKernel_sum_mean: {_THREAD}`0 <= input_idx && input_idx < numRows` failed.",
        {},
    ),
    ("cuda-bag-offsets", f"{_AT}EmbeddingBag.cu:57: EmbeddingBag_updateOutputKernel: {_THREAD}`end >= begin` failed.", {}),
    (
        "cuda-index",
        f'{_AT}IndexKernel.cu:93: operator(): {_THREAD}`index >= -sizes[i] && index < sizes[i] && "index out of bounds"` failed.',
        {},
    ),
    (
        "cuda-index",
        f'{_AT}IndexKernel.cu:91: operator(): {_THREAD}`-sizes[i] <= index && index < sizes[i] && "index out of bounds"` failed.',
        {},
    ),
    (
        "cuda-index",
        f"{_AT}ScatterGatherKernel.cu:144: operator(): {_THREAD}`idx_dim >= 0 && idx_dim < index_size` failed.",
        {},
    ),
    (
        "cuda-index",
        f'{_AT}IndexKernelUtils.cu: vectorized_gather_kernel: {_THREAD}`ind >=0 && ind < ind_dim_size && "vectorized gather kernel index '
        'out of bounds"` failed.',
        {},
    ),
    (
        "cuda-index",
        "THCTensorScatterGather.cu:97: THCudaTensor_gatherKernel: Assertion `indexValue >= 0 && indexValue < src.sizes[dim]` failed.",
        {},
    ),
    ("cuda-index", f"{_AT}Indexing.cu:385: indexAddLargeIndex: {_THREAD}`dstIndex < dstAddDimSize` failed.", {}),
    ("compiled-index", f"unknown:0: unknown: {_THREAD}`index out of bounds: 0 <= tmp4 < 32000` failed.", {"want": 32000}),
    ("compiled-index", "RuntimeError: kernel, /tmp/torchinductor_me/gv/c.main.cpp:18, index out of bounds: 0 <= tmp2 < 10L", {"want": 10}),
    ("compiled-index", f"unknown:0: unknown: {_THREAD}`index out of bounds: 0 <= tmp4 < 1 + ks0` failed.", {}),
    ("cuda-bce", f"{_AT}Loss.cu:94: operator(): {_THREAD}`input_val >= zero && input_val <= one` failed.", {}),
    (
        "cuda-bce",
        "/aten/src/THCUNN/BCECriterion.cu:57: block: [305,0,0], thread: [82,0,0] Assertion `*input >= 0. && *input <= 1.` failed.",
        {},
    ),
    (
        "cuda-probabilities",
        f"{_AT}MultinomialKernel.cu:112: binarySearchForMultinomial: {_THREAD}`cumdist[size - 1] > static_cast<scalar_t>(0)` failed.",
        {},
    ),
    (
        "cuda-probabilities",
        f"{_AT}TensorCompare.cu:112: _assert_async_cuda_kernel: {_THREAD}`probability tensor contains either `inf`, `nan` or "
        "element < 0` failed.",
        {},
    ),
    ("cuda-assert", "RuntimeError: CUDA error: device-side assert triggered\nCUDA kernel errors might be asynchronously reported", {}),
    (
        "cuda-assert",
        "RuntimeError: cuda runtime error (59) : device-side assert triggered at /pytorch/aten/src/THC/generic/THCTensorMath.cu:26",
        {},
    ),
    ("cuda-library", "RuntimeError: cuDNN error: CUDNN_STATUS_BAD_PARAM", {"library": "cuDNN", "state": "BAD_PARAM"}),
    (
        "cuda-library",
        "RuntimeError: CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when calling `cublasCreate(handle)`",
        {"state": "NOT_INITIALIZED"},
    ),
)
