import ArgumentParser
import Experiments

/// `wafer report`
struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report",
    abstract: "Makes an HTML page of a run or a sweep.",
    discussion: """
      The page is one file that loads nothing; each of its pictures is also written as SVG and CSV in \
      the folder 'plots' beside it.

        wafer run --output DIR && wafer report DIR
        wafer report DIR --output page.html
      """)

  @Argument(
    help: ArgumentHelp(
      "Folder that 'wafer run --output' or 'wafer sweep --output' wrote.", valueName: "dir"))
  var folder: String

  @Option(
    help: ArgumentHelp("File for the page. Default: report.html in the folder.", valueName: "file"))
  var output: String?

  @OptionGroup var presets: PresetOption

  func run() throws {
    let page: ReportPage
    // Without presets a page lacks the sources of their figures, and says so. A folder of presets that
    // was asked for must be there.
    let library = presets.configs == nil ? try? presets.library() : try presets.library()
    switch try ReportFolder(folder) {
    case .run(let run): page = RunReport(run, library: library).page
    case .sweep(let sweep): page = try SweepReport(sweep, library: library).page
    }
    let file = output ?? "\(folder)/report.html"
    let count = try ReportFiles.write(page, to: file)
    let words =
      "\(file), with \(count - 1) files of its \(page.figures.count) pictures in 'plots' beside it"
    print(TextStyle.standardOutput.wrapped(words))
  }
}
