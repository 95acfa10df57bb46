import ArgumentParser
import Experiments
import Foundation
import Hardware
import Runtime
import ZeroMQTransport

/// How the process ends: the contract that scripts rely on.
enum CommandStatus: Int32 {
  /// What was asked for was done.
  case done = 0
  /// The run failed.
  case failed = 1
  /// The input was wrong.
  case wrongInput = 2

  /// The status of an error that ended a command.
  init(_ error: any Error) {
    // A model that does not fit the wafers is the experiment's fault, not the run's.
    if error is ConfigurationError || error is MappingError || error is KeyFileError {
      self = .wrongInput
      return
    }
    switch Wafer.exitCode(for: error) {
    case .success: self = .done
    // ArgumentParser's own status for a wrong command line is 64.
    case .validationFailure, ExitCode(CommandStatus.wrongInput.rawValue): self = .wrongInput
    default: self = .failed
    }
  }

  /// Prints the error where it belongs and ends the process: help to standard output, all else to
  /// standard error.
  func exit(with error: any Error) -> Never {
    let text = Self.message(for: error)
    if !text.isEmpty {
      let handle: FileHandle = self == .done ? .standardOutput : .standardError
      handle.write(Data((text + "\n").utf8))
    }
    Foundation.exit(rawValue)
  }

  /// What is printed for an error.
  static func message(for error: any Error) -> String {
    switch error {
    case is ConfigurationError, is MappingError, is KeyFileError, is RunError, is RunFailure,
      is SweepStoreError:
      "wafer: \(error)"
    default: Wafer.fullMessage(for: error)
    }
  }
}
