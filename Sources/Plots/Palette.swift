/// The colours of all pictures, for light and dark backgrounds and for paper.
///
/// Okabe and Ito's set ("Color Universal Design", 2008), which people with any common colour vision tell
/// apart; on dark backgrounds the dark ones are lightened. Lines have a marker and a dash of their own
/// beside, so that nothing depends on colour alone.
public enum Palette {
  /// A colour on light and on dark.
  struct Shade: Hashable {
    let light: String
    let dark: String
  }

  /// Colours of series, in order of use.
  static let series = [
    Shade(light: "#0072b2", dark: "#4aa8e0"),  // blue
    Shade(light: "#d55e00", dark: "#f07f2c"),  // vermilion
    Shade(light: "#009e73", dark: "#1fc496"),  // bluish green
    Shade(light: "#cc79a7", dark: "#e29ac2"),  // reddish purple
    Shade(light: "#e69f00", dark: "#f2b93a"),  // orange
    Shade(light: "#56b4e9", dark: "#8fd0f5"),  // sky blue
    Shade(light: "#8a7d00", dark: "#f0e442"),  // yellow, darkened where the ground is light
    Shade(light: "#6b4c9a", dark: "#b59ae0"),  // violet
    Shade(light: "#8c8c8c", dark: "#a3a3a3"),  // grey
    // Beside the set, for accounts with faults.
    Shade(light: "#7a3b12", dark: "#c98a5b"),  // brown
    Shade(light: "#b3003b", dark: "#ff6b8f"),  // crimson
    Shade(light: "#2f5d3a", dark: "#8fbf8f"),  // dark green
  ]

  /// Number of different colours of series.
  public static var count: Int { series.count }

  static let ink = Shade(light: "#1b1b1f", dark: "#e8e8ec")
  static let faint = Shade(light: "#5c5c66", dark: "#a9a9b4")
  static let grid = Shade(light: "#dcdce2", dark: "#3a3a44")
  static let paper = Shade(light: "#ffffff", dark: "#16161a")

  /// Custom properties and their colours.
  static var variables: [(name: String, shade: Shade)] {
    [("ink", ink), ("faint", faint), ("grid", grid), ("paper", paper)]
      + series.enumerated().map { ("c\($0.offset)", $0.element) }
  }

  /// Declarations of the custom properties, for light or for dark.
  public static func declarations(isDark: Bool) -> String {
    variables.map { "--\($0.name):\(isDark ? $0.shade.dark : $0.shade.light)" }
      .joined(separator: ";")
  }

  /// What classes of pictures look like. Each colour stands there once as it is on light, for viewers
  /// that know no custom properties. It holds no character that markup would escape.
  public static var rules: String {
    func colour(_ property: String, _ name: String, _ shade: Shade) -> String {
      "\(property):\(shade.light);\(property):var(--\(name),\(shade.light))"
    }
    var lines = [
      ".plot{font-family:system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif;"
        + "font-size:12px;\(colour("fill", "ink", ink))}",
      ".plot .faint{\(colour("fill", "faint", faint))}",
      ".plot .paper{\(colour("fill", "paper", paper))}",
      ".plot .strong{font-weight:600}",
      ".plot .halo{paint-order:stroke;stroke-width:4;stroke-linejoin:round;"
        + "\(colour("stroke", "paper", paper))}",
      ".plot .small{font-size:11px}",
      ".plot .grid{fill:none;stroke-width:1;\(colour("stroke", "grid", grid))}",
      ".plot .axis{fill:none;stroke-width:1;\(colour("stroke", "faint", faint))}",
      ".plot .edge{stroke-width:1;\(colour("stroke", "paper", paper))}",
      ".plot .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}",
      ".plot .thin{stroke-width:1}",
      ".plot .dark{fill:#111111}.plot .light{fill:#ffffff}",
    ]
    for (index, shade) in series.enumerated() {
      lines.append(
        ".plot .f\(index){\(colour("fill", "c\(index)", shade))}"
          + ".plot .s\(index){\(colour("stroke", "c\(index)", shade))}")
    }
    return lines.joined(separator: "\n")
  }

  /// The style of a picture that stands alone.
  static var standaloneStyle: String {
    ".plot{\(declarations(isDark: false))}\n"
      + "@media (prefers-color-scheme:dark){.plot{\(declarations(isDark: true))}}\n"
      + "@media print{.plot{\(declarations(isDark: false))}}\n" + rules
  }

  /// Cividis (Nuñez, Anderton and Renslow 2018) at 9 places, from low to high: even in brightness, and
  /// the same to most who do not tell red from green.
  static let ramp: [(red: Int, green: Int, blue: Int)] = [
    (0, 34, 78), (25, 56, 110), (65, 77, 107), (92, 99, 110), (119, 121, 118), (149, 144, 117),
    (181, 168, 107), (216, 195, 88), (254, 232, 56),
  ]

  /// The colour at a place of the ramp, 0...1, and whether text on it must be dark.
  static func ramp(at place: Double) -> (colour: String, needsDarkText: Bool) {
    let position = min(max(place, 0), 1) * Double(ramp.count - 1)
    let index = min(Int(position), ramp.count - 2)
    let rest = position - Double(index)
    func mix(_ low: Int, _ high: Int) -> Int {
      Int((Double(low) + rest * Double(high - low)).rounded())
    }
    let low = ramp[index]
    let high = ramp[index + 1]
    let red = mix(low.red, high.red)
    let green = mix(low.green, high.green)
    let blue = mix(low.blue, high.blue)
    // Rec. 709 weights; the text that contrasts more.
    let luminance = 0.2126 * Double(red) + 0.7152 * Double(green) + 0.0722 * Double(blue)
    return ("rgb(\(red),\(green),\(blue))", luminance > 118)
  }
}
