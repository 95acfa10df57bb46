import ArgumentParser
import Experiments

/// What the preset commands share: the list, or every figure of one preset.
struct PresetArguments: ParsableArguments {
  @Argument(help: "Show every figure of this preset, with its mark and source.")
  var name: String?
  @OptionGroup var presets: PresetOption
  @OptionGroup var format: FormatOption

  /// Prints the presets of these kinds.
  func show(_ kinds: PresetKind...) throws(ConfigurationError) {
    let listing = try PresetListing(kinds, name: name, in: try presets.library())
    format.print(listing.json) { style in
      name == nil ? listing.text(style) : listing.entries[0].text(style)
    }
  }
}

/// `wafer models`
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Lists model shapes, or one with every figure and its source.",
    discussion: """
      A preset holds a shape, no weights. 'synthetic-NAME' is a model of that shape with seeded \
      weights; 'synthetic-small' needs no preset and is what 'wafer run' runs by default.
      """)
  @OptionGroup var arguments: PresetArguments
  func run() throws { try arguments.show(.model) }
}

/// `wafer hardware`
struct HardwareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hardware",
    abstract:
      "Lists wafers, accelerators and measured hosts, or one with every figure and its source.")
  @OptionGroup var arguments: PresetArguments
  func run() throws { try arguments.show(.wafer, .accelerator, .host) }
}

/// `wafer links`
struct LinksCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "links",
    abstract: "Lists links between wafers, or one with every figure and its source.")
  @OptionGroup var arguments: PresetArguments
  func run() throws { try arguments.show(.link) }
}

/// `wafer calibrations`
struct CalibrationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrations",
    abstract: "Lists what turns work into cycles, or one with every coefficient and its source.")
  @OptionGroup var arguments: PresetArguments
  func run() throws { try arguments.show(.calibration) }
}
