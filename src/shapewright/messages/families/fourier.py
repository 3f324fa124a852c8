"""Messages of Fourier transforms: `torch.fft`, `stft` and `istft`."""

from __future__ import annotations

from shapewright.messages.families.matmul import cause
from shapewright.messages.template import Cause, Found, Reading, Template, plain

_N = r"\d{1,15}"
_ECHO = r"(?:torch\.|CPU|CUDA|Meta|\w{0,20}\.)?\w{0,20}(?:Tensor|Type) ?[\[{]{1,2}(?P<shape>[\d, ]{0,80})\]"
OTHER = "other-shape-error"


def _istft(found: Found) -> Reading:
    """The bins of a spectrogram belong to one `n_fft`."""
    got, n_fft = found.number("got"), found.number("n_fft")
    onesided = str(found.values.get("onesided", "True")).lower() == "true"
    want = n_fft // 2 + 1 if onesided else n_fft
    shape = found.shape("shape") if found.known("shape") else []
    facts: dict[str, object] = {"got": got, "want": want, "n_fft": n_fft, "shape": shape}
    made: list[Cause] = []
    if len(shape) >= 2 and shape[-1] == want and shape[-2] == got:
        why = f"the last dim is {want}: bins and frames stand the wrong way round, [..., frames, bins]"
        made.append(cause("dims-swapped", why, "`spec.transpose(-2, -1)`: bins before frames", likely=True))
    if got == want - 1:
        why = f"one bin of {want} was cut off, mostly the highest one (so that the network sees an even number)"
        made.append(cause("bin-cut-off", why, "put it back: `F.pad(spec, (0, 0, 0, 1))`", likely=not made))
    if onesided and got == n_fft and got > 1:
        why = f"{got} bins are all of n_fft={n_fft}: the spectrogram is two-sided"
        made.append(cause("two-sided", why, "`torch.istft(..., onesided=False)`", likely=not made))
    if not onesided and got == n_fft // 2 + 1:
        why = f"{got} = {n_fft}/2 + 1: the spectrogram is one-sided"
        made.append(cause("one-sided", why, "leave `onesided=False` out", likely=not made))
    if onesided and got > 1:
        why = f"{got} bins belong to n_fft = 2·({got} - 1) = {2 * (got - 1)}, not {n_fft}"
        made.append(
            cause("other-n-fft", why, f"`torch.istft(spec, n_fft={2 * (got - 1)}, ...)`: the n_fft of the `stft` before", likely=not made)
        )
    if not made:
        made.append(
            cause(
                "other-n-fft", "the spectrogram was made with another n_fft, or by hand", "use the n_fft of the `stft` before", likely=True
            )
        )
    headline = f"`istft` expects {want} frequency bins for n_fft={n_fft} but receives {got}"
    return Reading(OTHER, headline, "", facts, tuple(made), ("the spectrogram is [..., bins, frames]",))


def _stft_rank(found: Found) -> Reading:
    shape = found.shape("shape") if found.known("shape") else []
    why = "sound with channels or a batch of it: [batch, channels, samples]"
    if len(shape) == 3:
        why = f"{shape[0]} recordings of {shape[1]} channel{'' if shape[1] == 1 else 's'}" + (
            " (mono)" if shape[1] == 1 else " (stereo)" if shape[1] == 2 else ""
        )
    tries = (
        "fold the channels into the batch: `x.flatten(0, 1)`, and `spec.unflatten(0, (batch, channels))` afterwards",
        "or make it mono: `x.mean(dim=1)`",
    )
    certain = f"it comes as {shape}, the samples with the padding at both ends (`center=True`)" if shape else ""
    made = cause("channel-dim", why, *tries, likely=True)
    return Reading(
        OTHER, f"`stft` expects samples or a batch of them but receives {len(shape) or 'more'} dims", certain, {"shape": shape}, (made,)
    )


def _stft_short(found: Found) -> Reading:
    n_fft, samples = found.number("n_fft"), found.number("samples")
    shape = found.shape("shape") if found.known("shape") else []
    facts: dict[str, object] = {"samples": samples, "n_fft": n_fft, "shape": shape}
    made: list[Cause] = []
    if len(shape) == 2 and shape[0] >= n_fft > shape[1]:
        why = f"the samples may stand first: {shape} is read as {shape[0]} recordings of {shape[1]} samples"
        made.append(cause("dims-swapped", why, "`x.T`: [batch, samples]", likely=True))
    tries = (
        f"pad short recordings: `F.pad(x, (0, {max(n_fft - samples, 0)}))`",
        "or take a smaller n_fft, or leave `center=True`, which pads",
    )
    made.append(
        cause("recording-too-short", f"a recording of {samples} samples does not fill one window of {n_fft}", *tries, likely=not made)
    )
    return Reading(OTHER, f"`stft` is given {samples} samples but n_fft={n_fft}", "", facts, tuple(made))


TEMPLATES = (
    Template(
        "view-as-complex",
        ("must have a last dimension with",),
        r"tensor must have a last dimension with stride 1",
        plain(
            OTHER,
            "`view_as_complex` expects real and imaginary part next to one another in memory",
            (
                "pairs-last",
                "the dims were permuted: `torch.view_as_complex(x.permute(...).contiguous())`, or `torch.complex(real, imaginary)`",
            ),
        ),
    ),
    Template(
        "fft-points",
        ("invalid number of data points",),
        r"invalid number of data points \((?P<points>-?\d{1,15})\) specified",
        plain(
            OTHER,
            "a Fourier transform over {points} points is asked for",
            ("empty-dim", "the dim that is transformed is empty: an empty batch, or a slice that leaves nothing"),
            ("inverse-of-one", "or `irfft` of a single bin: n bins give 2·(n - 1) points; name the length, `n=`"),
        ),
    ),
    Template(
        "fft-dims",
        ("but input tensor only has", "dim and shape arguments must", "fft dims must be"),
        r"got shape with (?P<got>\d{1,3}) values but input tensor only has (?P<rank>\d{1,3}) dim"
        r"|when given, dim and shape arguments must have the same length"
        r"|fft dims must be unique",
        plain(
            OTHER,
            (
                "a Fourier transform of {got} dims is asked for of a tensor that has {rank}",
                "`s=` and `dim=` of a Fourier transform do not go together",
            ),
            ("dims-and-sizes", "`dim=` names the dims that are transformed, each once, `s=` their sizes: as many of one as of the other"),
        ),
    ),
    Template(
        "fft-real",
        ("expects a real",),
        r"(?P<call>i?rfft\w{0,2}) expects a real(?:-valued)? input tensor, but got (?P<dtype>\w{1,30})",
        plain(
            OTHER,
            "`{call}` takes real numbers but receives {dtype}: this is about dtypes, not sizes",
            ("complex-input", "the input is complex already: use `torch.fft.fft` (or `fft2`, `fftn`), or take `x.real`"),
        ),
    ),
    Template(
        "stft-rank",
        ("n_fft=",),
        rf"stft\({_ECHO}[^:]{{0,700}}: ?expected a 1D or 2D tensor",
        _stft_rank,
    ),
    Template(
        "stft-short",
        ("n_fft=",),
        rf"stft\({_ECHO}[^:]{{0,700}}: ?expected 0 < n_fft < (?P<samples>{_N}),? but got n_fft=(?P<n_fft>{_N})",
        _stft_short,
    ),
    Template(
        "stft-window",
        ("n_fft=",),
        rf"stft\([^:]{{0,800}}: ?expected a 1D window tensor of size equal to win_length=(?P<want>{_N})"
        rf",? but got window with size (?:torch\.Size\()?\[(?P<got_shape>[\d, ]{{0,60}})\]",
        plain(
            OTHER,
            "`stft` expects a window of {want} numbers but receives {got_shape}",
            ("window-length", "the window was made for another length: `torch.hann_window({want})`, or pass `win_length=window.numel()`"),
            tries=("without `win_length=` the window must be as long as n_fft",),
        ),
    ),
    Template(
        "stft-lengths",
        ("n_fft=",),
        rf"(?P<call>i?stft)\([^:]{{0,800}}: ?expected"
        r" (?P<rule>hop_length > 0|0 < hop_length <= win_length|0 < win_length <= n_fft)"
        rf"(?:,? but got \w{{1,12}}=(?P<got>-?{_N}))?",
        plain(
            OTHER,
            ("`{call}` wants {rule} but receives {got}", "`{call}` wants {rule}"),
            (
                "wrong-lengths",
                "hop_length ≤ win_length ≤ n_fft, and none of them 0: usual are win_length = n_fft and hop_length = n_fft // 4",
            ),
        ),
    ),
    Template(
        "istft-bins",
        ("n_fft=",),
        rf"istft\({_ECHO}[^:]{{0,60}}?n_fft=(?P<n_fft>{_N})[^:]{{0,700}}"
        rf": ?expected the frequency dimension[^:]{{0,120}} when onesided=(?P<onesided>True|False),? but got (?P<got>{_N})",
        _istft,
    ),
    Template(
        "istft-window",
        ("invalid window shape",),
        r"invalid window shape\. window has to be 1D and length of `?win_length`?",
        plain(
            OTHER,
            "the window given to `istft` is not a vector of win_length numbers",
            (
                "window-length",
                "use the window, n_fft and win_length of the `stft` before: without `win_length=` the window must be as long as n_fft",
            ),
        ),
    ),
    Template(
        "istft-rank",
        ("n_fft=",),
        rf"istft\({_ECHO}[^:]{{0,700}}: ?expected a tensor with (?:2 or 3|3 or 4) dimensions,? but got (?P<counted>\d{{1,3}})",
        plain(
            OTHER,
            "`istft` expects one spectrogram or a batch of them, [batch, bins, frames], but receives {shape}",
            (
                "channel-dim",
                "fold the channels into the batch: `spec.flatten(0, 1)`, and `wave.unflatten(0, (batch, channels))` afterwards",
            ),
            tries=("the number of dims in the message counts real and imaginary part as one more",),
        ),
    ),
    Template(
        "istft-empty",
        ("n_fft=",),
        rf"istft\({_ECHO}[^:]{{0,700}}: ?input tensor cannot be empty",
        plain(
            OTHER, "`istft` receives an empty spectrogram, {shape}", ("no-frames", "it has no frames: the recording or the slice was empty")
        ),
    ),
    Template(
        "istft-complex",
        ("requires a complex-valued input", "requires the return_complex"),
        r"istft requires a complex-valued input tensor|stft requires the return_complex parameter be given for real inputs",
        plain(
            OTHER,
            "`stft` and `istft` work with complex spectrograms: this is about dtypes, not sizes",
            (
                "real-spectrogram",
                "call `torch.stft(..., return_complex=True)`; pairs [..., 2] become complex with `torch.view_as_complex(x.contiguous())`",
            ),
        ),
    ),
    Template(
        "stft-dtype",
        ("n_fft=",),
        r"stft\([^:]{0,800}: ?expected a tensor of floating point or complex values",
        plain(
            OTHER,
            "`stft` takes floating-point samples but receives whole numbers: this is about dtypes, not sizes",
            ("whole-numbers", "samples from a WAV file are 16-bit numbers: `x.float() / 32768`"),
        ),
    ),
    Template(
        "istft-window-gap",
        ("window overlap add min",),
        r"window overlap add min: ?(?P<least>[\d.e-]{0,20})",
        plain(
            OTHER,
            "`istft` cannot put the frames together: the windows leave places that none of them covers",
            ("window-gaps", "the window is 0 at its ends: keep `center=True`, or take a smaller hop_length"),
        ),
    ),
)
