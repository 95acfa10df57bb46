import Hardware
import Models
import Programs
import Quantities

/// Published figures that belong together, as a file of `Configs/validation` holds them.
public struct ValidationTable: Hashable, Sendable {
  /// The file's name without its ending.
  public let name: String
  /// One sentence on what it shows.
  public let summary: String
  /// The file, as errors and results call it.
  public let file: String
  /// Digest of the file's bytes, as `sha256sum` prints it.
  public let sha256: String
  /// The figures, in the order of the file.
  public let rows: [Row]

  /// One published figure, and what predicts it.
  public struct Row: Hashable, Sendable {
    /// What it is called, once in its table.
    public let name: String
    /// Where it stands.
    public let place: Place
    /// What is measured.
    public let metric: ValidationMetric
    /// What predicts it.
    public let subject: Subject
    /// The figure, in tokens a second, seconds, or as a part of 1; `nil` where only a band is stated.
    public let published: Rational?
    /// How far the prediction may be off.
    public let allowed: Allowance
    /// How sure the figure is.
    public let mark: Mark
    /// Where it was read, or how it was derived.
    public let source: String
    /// Whether the model has seen it.
    public let role: Role
    /// Why it is weaker evidence than a plain measurement.
    public let remarks: [Calibration.Row.Remark]
    /// What else its reader should know.
    public let note: String?
  }

  /// Whether the model has seen a figure.
  public enum Role: String, CaseIterable, Hashable, Sendable {
    /// Coefficients were fitted to it.
    case calibrated
    /// Nothing was fitted to it.
    case heldOut = "held-out"
  }

  /// How far a prediction may be off.
  public enum Allowance: Hashable, Sendable {
    /// As far as it likes; the error is printed.
    case any
    /// At most this part of the published figure.
    case tolerance(Rational)
    /// Anything from the first to the second.
    case band(Rational, Rational)
  }

  /// What predicts a figure.
  public enum Subject: Hashable, Sendable {
    /// An experiment; the second is that of the prefill where it runs on a grid of its own.
    case experiment(Settings, prefill: Settings?)
    /// One collective over wafers.
    case collective(CollectiveCase)
    /// Plain stages.
    case pipeline(PipelineCase)
    /// One vector-matrix product on a square of PEs.
    case product(ProductCase)
    /// Two rows of the table, by their names.
    case ratio(of: String, to: String)
  }

  /// One collective, as `wafer collective` takes it.
  public struct CollectiveCase: Hashable, Sendable {
    let operation: CollectiveOperation
    let algorithm: CollectiveAlgorithm
    let ranks: Int
    /// Numbers of each rank's buffer, 4 bytes each.
    let elements: Int
    let link: Link
  }

  /// Plain stages, as `wafer pipeline` takes them.
  public struct PipelineCase: Hashable, Sendable {
    let stages: Int
    let microBatches: Int
    let stageTime: EmulatedTime
    /// Numbers of the message from stage to stage, 4 bytes each.
    let elements: Int
    let link: Link
  }

  /// A vector of `inputs` times a matrix of `inputs` × `outputs`, on a region of a wafer preset's PEs.
  public struct ProductCase: Hashable, Sendable {
    let wafer: String
    let grid: Rectangle
    let inputs: Int
    let outputs: Int
  }
}
