import Foundation
import Hardware
import Quantities
import Testing

@testable import Experiments

@Suite("wafer calibrate")
struct CalibrateTests {
  static let committed = Fixtures.presets.folder + "/calibration/waferllm-wse2.yaml"

  @Test("the committed file is what writing its own fit gives, byte for byte")
  func fixedPoint() throws {
    let text = try String(contentsOfFile: Self.committed, encoding: .utf8)
    let file = try CalibrationFile(path: Self.committed)
    let fit = CalibrationFit(file.calibration)
    #expect(CalibrationReport(fit).differences.isEmpty)
    #expect(file.written(fit) == text)
  }

  @Test("a file with wrong or missing results is written right, and then stays as it is")
  func roundTrip() throws {
    let text = try String(contentsOfFile: Self.committed, encoding: .utf8)
    let wrong = text.replacing("value: 28.95", with: "value: 30")
      .replacing("    residual_percent: 0.22\n", with: "")
      .replacing("residual_percent: -0.89", with: "residual_percent: 0.89")
    let file = try CalibrationFile(path: "waferllm-wse2.yaml", text: wrong)
    let fit = CalibrationFit(file.calibration)
    let differences = CalibrationReport(fit).differences
    #expect(
      differences == [
        "decode_row is 30, and the fit gives 28.95",
        "rows[0].residual_percent is missing, and the fit gives 0.22",
        "rows[1].residual_percent is 0.89, and the fit gives -0.89",
      ])
    #expect(file.written(fit) == text)
  }

  @Test("texts with quotes, and a row of another model, survive writing and reading")
  func texts() throws {
    let text = try String(contentsOfFile: Self.committed, encoding: .utf8)
      .replacing("model: \"LLaMA3-8B\"", with: "model: 'a \"b\": c'")
    let file = try CalibrationFile(path: "waferllm-wse2.yaml", text: text)
    let written = file.written(CalibrationFit(file.calibration))
    let again = try CalibrationFile(path: "waferllm-wse2.yaml", text: written)
    #expect(again.calibration.rows[0].model == "a \"b\": c")
    #expect(again.calibration == file.calibration)
    #expect(again.written(CalibrationFit(again.calibration)) == written)
  }

  @Test("--check is 0 for the committed file and 1 for a changed one, which it names")
  func command() async throws {
    for name in ["waferllm-wse2", "wse-2"] {
      let ended = try await run(Products.wafer, ["calibrate", "--hardware", name, "--check"])
      #expect(ended.status == 0, "\(ended.errors)")
      #expect(ended.output.contains("are what the fit gives"))
    }
    try await Fixtures.withShortFolder { folder in
      let path = folder + "/waferllm-wse2.yaml"
      let text = try String(contentsOfFile: Self.committed, encoding: .utf8)
      try text.replacing("value: 0.134", with: "value: 0.135")
        .write(toFile: path, atomically: true, encoding: .utf8)
      let checked = try await run(
        Products.wafer, ["calibrate", "--hardware", path, "--check", "--format", "json"])
      #expect(checked.status == 1)
      #expect(checked.errors.contains("decode_fmac is 0.135, and the fit gives 0.134"))
      let document = try checked.document
      #expect(document["schema"] == "wafer.calibrate/1")
      guard case .array(let coefficients) = document["coefficients"] else {
        Issue.record("no coefficients")
        return
      }
      #expect(coefficients.count == 8)
      #expect(coefficients[3]["key"] == "decode_fixed")
      #expect(coefficients[3]["weakly_determined"] == true)
      let written = try await run(
        Products.wafer, ["calibrate", "--hardware", path, "--output", path])
      #expect(written.status == 0, "\(written.errors)")
      #expect(try String(contentsOfFile: path, encoding: .utf8) == text)
    }
  }

  @Test("a file that is no calibration is the input's error")
  func wrongInput() async throws {
    let ended = try await run(Products.wafer, ["calibrate", "--hardware", "waferllm-wse3"])
    #expect(ended.status == 2 && ended.errors.contains("the nearest is 'waferllm-wse2'"))
  }
}
