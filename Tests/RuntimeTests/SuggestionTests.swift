import Runtime
import Testing

@Suite struct SuggestionTests {
  @Test func distanceCountsEdits() {
    #expect(Suggestion.distance("kitten", "sitting") == 3)
    #expect(Suggestion.distance("", "abc") == 3)
    #expect(Suggestion.distance("abcd", "acbd") == 1)
    #expect(Suggestion.distance("same", "same") == 0)
  }

  @Test func closestIsNearOrNothing() {
    let names = ["kl_mean", "kl_p99", "top1_agreement", "neutral_perplexity_rise"]
    #expect(Suggestion.closest(to: "kl-maen", in: names) == "kl_mean")
    #expect(Suggestion.closest(to: "TOP1_agreemnt", in: names) == "top1_agreement")
    #expect(Suggestion.closest(to: "neutral_perplexity", in: names) == "neutral_perplexity_rise")
    #expect(Suggestion.closest(to: "bananas", in: names) == nil)
    #expect(Suggestion.closest(to: "", in: names) == nil)
    #expect(Suggestion.hint(for: "x", in: names).hasPrefix("one of: kl_mean"))
  }
}
