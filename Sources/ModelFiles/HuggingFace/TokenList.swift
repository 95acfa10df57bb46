/// One token or several: `eos_token_id` may be a number or a list.
struct TokenList: Decodable {
  let tokens: [Int]

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let one = try? container.decode(Int.self) {
      tokens = [one]
    } else {
      tokens = try container.decode([Int].self)
    }
  }
}
