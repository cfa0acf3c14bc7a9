import CKernels
import Tensors

/// How the products of linear layers are computed; everything else (attention's scores, norms, softmax, rotary
/// embeddings) is f32 in both modes.
public enum ComputeMode: String, Sendable, CaseIterable {
  /// Products and sums of f32, the reference: a 16-bit weight counts as the f32 of its value.
  case f32
  /// Where a weight is stored as bf16, what it is multiplied with is rounded to bf16 and summed in f32; layers whose
  /// weights are stored otherwise compute as in ``f32``.
  case bf16

  /// Whether this processor multiplies pairs of bf16 itself (AVX512_BF16). Without it the mode is computed with the
  /// same bits, and brings no speed.
  public static var hasBF16Products: Bool { ck_best_isa() == CK_ISA_V4_BF16 }

  /// What a layer with weights of a type is computed with.
  public func products(with dtype: DType) -> ComputeMode { dtype == .bf16 ? self : .f32 }
}

/// Which mode is asked for.
public enum ComputeChoice: String, Sendable, CaseIterable {
  /// ``ComputeMode/bf16`` where the weights are stored as bf16 and the processor has products of bf16; f32 otherwise.
  case auto
  /// Always ``ComputeMode/f32``.
  case f32
  /// Always ``ComputeMode/bf16``.
  case bf16

  /// The mode for weights of which all are stored as bf16, or not.
  public func mode(
    storedAsBF16: Bool, hasBF16Products: Bool = ComputeMode.hasBF16Products
  ) -> ComputeMode {
    switch self {
    case .auto: storedAsBF16 && hasBF16Products ? .bf16 : .f32
    case .f32: .f32
    case .bf16: .bf16
    }
  }
}
