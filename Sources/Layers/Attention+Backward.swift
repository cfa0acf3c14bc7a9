import CKernels

extension Attention {
  /// dq`[T, H · hd]`, dk and dv`[T, KV · hd]` from dout`[T, H · hd]` and the inputs of
  /// ``forward(_:outStride:q:qStride:k:kStride:v:vStride:queries:keys:heads:kvHeads:headSize:scale:window:softcap:alibiSlopes:keyBias:keyBiasStride:causal:)``
  /// for one text without a cache and without softcap, slopes and biases of keys. All rows are dense.
  ///
  /// The weights are computed anew, 64 queries at a time, so that a text of T tokens needs O(64 · T) numbers of room.
  /// - Complexity: O(T² · H · hd), on the pool, a task a key-value head.
  public static func backward(
    q dq: UnsafeMutablePointer<Float>, k dk: UnsafeMutablePointer<Float>, v dv: UnsafeMutablePointer<Float>,
    _ dout: UnsafePointer<Float>, q: UnsafePointer<Float>, k: UnsafePointer<Float>, v: UnsafePointer<Float>,
    tokens: Int, heads: Int, kvHeads: Int, headSize: Int, scale: Float, window: Int? = nil,
    causal: Bool = true
  ) {
    precondition(kvHeads > 0 && heads % kvHeads == 0, "\(heads) heads over \(kvHeads) key-value heads")
    let (wide, narrow) = (heads * headSize, kvHeads * headSize)
    let options = ck_attention_options(
      scale: scale, softcap: 0, slopes: nil, window: window ?? 0, causal: causal ? 1 : 0, key_bias: nil,
      key_bias_stride: 0)
    ck_attention_backward(
      dq, dk, dv, dout, wide, q, wide, k, narrow, v, narrow, options, tokens, heads, kvHeads, headSize)
  }
}
