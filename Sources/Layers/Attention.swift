import CKernels

/// Scaled dot-product attention of one text, with grouped-query heads.
///
/// A query's result depends on itself and the keys it sees only: not on the queries computed together, later keys,
/// padding, threads or instruction set. A step with cached keys therefore repeats the bits of the full forward pass.
public enum Attention {
  /// out`[Tq, H · hd]` from q`[Tq, H · hd]`, k and v`[Tk, KV · hd]`; query t stands at position Tk - Tq + t.
  ///
  /// H heads read KV key-value heads, head h the one numbered h / (H / KV). Strides are floats from one row to the
  /// next. `out` must not overlap the inputs. With `causal` a query sees the keys up to its own position, of them
  /// only the last `window` where that is given; without it every key. A score is q · k times `scale`, then, with
  /// `softcap` c, c · tanh(score / c), then plus `alibiSlopes[h]` · (key position - query position), then plus
  /// `keyBias[h, key]` `[H, Tk at least]`, whose rows lie `keyBiasStride` floats apart.
  /// - Complexity: O(Tq · Tk · H · hd), on the pool.
  public static func forward(
    _ out: UnsafeMutablePointer<Float>, outStride: Int, q: UnsafePointer<Float>, qStride: Int,
    k: UnsafePointer<Float>, kStride: Int, v: UnsafePointer<Float>, vStride: Int, queries: Int, keys: Int,
    heads: Int, kvHeads: Int, headSize: Int, scale: Float, window: Int? = nil, softcap: Float? = nil,
    alibiSlopes: [Float]? = nil, keyBias: UnsafePointer<Float>? = nil, keyBiasStride: Int = 0,
    causal: Bool = true
  ) {
    precondition(queries <= keys, "\(queries) queries for \(keys) keys")
    precondition(kvHeads > 0 && heads % kvHeads == 0, "\(heads) heads over \(kvHeads) key-value heads")
    precondition(window.map { $0 > 0 } ?? true, "a window of no keys")
    precondition(keyBias == nil || keyBiasStride >= keys, "a bias of fewer keys")
    precondition(alibiSlopes.map { $0.count == heads } ?? true, "one slope a head")
    func run(_ slopes: UnsafePointer<Float>?) {
      let options = ck_attention_options(
        scale: scale, softcap: softcap ?? 0, slopes: slopes, window: window ?? 0, causal: causal ? 1 : 0,
        key_bias: keyBias, key_bias_stride: keyBiasStride)
      ck_attention(
        out, outStride, q, qStride, k, kStride, v, vStride, options, queries, keys, heads, kvHeads, headSize)
    }
    if let alibiSlopes { alibiSlopes.withUnsafeBufferPointer { run($0.baseAddress) } } else { run(nil) }
  }
}
