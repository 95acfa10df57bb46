import Hardware
import Programs
import Quantities

/// A property of the hardware or the link that costs time, and how it is changed.
struct WhatIfParameter: Sendable {
  /// As keys and presets call it.
  let name: String
  /// Its value, for people.
  let value: String
  /// What can be done to it.
  let changes: [Change]

  /// A change, and the value that it makes.
  struct Change: Sendable {
    let kind: Kind
    let value: String
    let apply: @Sendable (inout Experiment.Modelled) -> Void
  }

  /// Half of it, twice as much, or as much as it takes to cost nothing.
  enum Kind: String, CaseIterable, Sendable {
    case half, double, free
  }

  /// The parameters that an experiment has and that are not nothing already.
  static func all(of modelled: Experiment.Modelled) -> [WhatIfParameter] {
    switch modelled.device {
    case .wafer(let device): links(modelled) + wafers(device)
    case .accelerators(let group): links(modelled) + accelerators(group)
    // What was measured of a host has no parameters to turn.
    case .host: links(modelled)
    }
  }

  // MARK: Links

  private static func links(_ modelled: Experiment.Modelled) -> [WhatIfParameter] {
    // One wafer has no link.
    guard modelled.ranks > 1 else { return [] }
    let link = modelled.link
    var parameters: [WhatIfParameter] = []
    func add(
      _ name: String, _ time: EmulatedTime,
      set: @escaping @Sendable (inout Experiment.Modelled, EmulatedTime) -> Void
    ) {
      parameters += span(name, time, set: set)
    }
    add("link.latency", link.latency) { $0.link.latency = $1 }
    if let bandwidth = link.bandwidth {
      parameters.append(
        rate("link.bandwidth", bandwidth, unit: "B/s") { $0.link.bandwidth = $1 })
    }
    add("link.send_overhead", link.sendOverhead) { $0.link.sendOverhead = $1 }
    add("link.receive_overhead", link.receiveOverhead) { $0.link.receiveOverhead = $1 }
    if case .switch(let latency) = modelled.topology {
      add("topology.switch_latency", latency) { $0.topology = .switch(latency: $1) }
    }
    return parameters
  }

  // MARK: Wafers

  private static func wafers(_ device: WaferDevice) -> [WhatIfParameter] {
    var parameters = [
      rate("hardware.clock", device.wafer.clock, unit: "Hz", mayBeFree: false) { modelled, clock in
        modelled.changeWafer { $0.wafer.clock = clock! }
      }
    ]
    parameters += cycles("hardware.cycles_per_hop", device.wafer.cyclesPerHop) {
      $0.wafer.cyclesPerHop = $1
    }
    parameters += cycles("hardware.ramp_cycles", device.wafer.rampCycles) {
      $0.wafer.rampCycles = $1
    }
    for (name, path) in coefficients {
      parameters += amount(
        "calibration.\(name)", device.calibration.coefficients[keyPath: path]
      ) { modelled, value in
        modelled.changeWafer { $0.calibration.change { $0[keyPath: path] = value } }
      }
    }
    return parameters
  }

  /// Cycles of kernels, by the names of the calibration's file.
  private static var coefficients:
    [(String, any WritableKeyPath<Calibration.Coefficients, Rational> & Sendable)]
  {
    [
      ("decode_row_cycles", \.decodeRow), ("decode_fmac_cycles", \.decodeFmac),
      ("decode_chain_step_cycles", \.decodeChainStep), ("decode_fixed_cycles", \.decodeFixed),
      ("prefill_row_cycles", \.prefillRow), ("prefill_fmac_cycles", \.prefillFmac),
      ("prefill_step_cycles", \.prefillStep), ("prefill_align_cycles", \.prefillAlign),
    ]
  }

  /// A whole number of cycles; it has a half only when that is whole too.
  private static func cycles(
    _ name: String, _ value: Int, set: @escaping @Sendable (inout WaferDevice, Int) -> Void
  ) -> [WhatIfParameter] {
    guard value > 0 else { return [] }
    var values = [(Kind.double, 2 * value), (.free, 0)]
    if value % 2 == 0 { values.insert((.half, value / 2), at: 0) }
    return [
      WhatIfParameter(
        name: name, value: "\(value)",
        changes: values.map { kind, changed in
          Change(kind: kind, value: "\(changed)") { modelled in
            modelled.changeWafer { set(&$0, changed) }
          }
        })
    ]
  }

  // MARK: Accelerators

  private static func accelerators(_ group: AcceleratorGroup) -> [WhatIfParameter] {
    let device = group.accelerator
    return [
      rate("hardware.memory_bandwidth", device.memoryBandwidth, unit: "B/s", mayBeFree: false) {
        modelled, rate in modelled.changeAccelerator { $0.memoryBandwidth = rate! }
      },
      rate("hardware.peak", device.peak, unit: "FLOP/s", mayBeFree: false) { modelled, rate in
        modelled.changeAccelerator { $0.peak = rate! }
      },
      rate("hardware.link_bandwidth", device.linkBandwidth, unit: "B/s", mayBeFree: false) {
        modelled, rate in modelled.changeAccelerator { $0.linkBandwidth = rate! }
      },
    ]
      + span("hardware.kernel_floor", device.kernelFloor) { modelled, time in
        modelled.changeAccelerator { $0.kernelFloor = time }
      }
      + span("hardware.collective_floor", device.collectiveFloor) { modelled, time in
        modelled.changeAccelerator { $0.collectiveFloor = time }
      }
  }

  // MARK: Kinds of values

  /// A time; none when it is nothing.
  private static func span(
    _ name: String, _ time: EmulatedTime,
    set: @escaping @Sendable (inout Experiment.Modelled, EmulatedTime) -> Void
  ) -> [WhatIfParameter] {
    guard time > .zero else { return [] }
    let values = [
      (Kind.half, EmulatedTime(picoseconds: time.picoseconds / 2)), (.double, time + time),
      (.free, .zero),
    ]
    return [
      WhatIfParameter(
        name: name, value: RunTable.time(time),
        changes: values.map { kind, value in
          Change(kind: kind, value: RunTable.time(value)) { set(&$0, value) }
        })
    ]
  }

  /// A number that costs in proportion; none when it is nothing.
  private static func amount(
    _ name: String, _ value: Rational,
    set: @escaping @Sendable (inout Experiment.Modelled, Rational) -> Void
  ) -> [WhatIfParameter] {
    guard value > Rational(0) else { return [] }
    let values = [
      (Kind.half, value / Rational(2)), (.double, value * Rational(2)), (.free, Rational(0)),
    ]
    return [
      WhatIfParameter(
        name: name, value: RunTable.number(value.approximation),
        changes: values.map { kind, value in
          Change(kind: kind, value: RunTable.number(value.approximation)) { set(&$0, value) }
        })
    ]
  }

  /// A rate: what it divides costs nothing when it is infinite, `nil`.
  private static func rate(
    _ name: String, _ rate: Rational, unit: String, mayBeFree: Bool = true,
    set: @escaping @Sendable (inout Experiment.Modelled, Rational?) -> Void
  ) -> WhatIfParameter {
    func text(_ rate: Rational) -> String {
      let (value, prefix) =
        [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M")].lazy.compactMap {
          rate.approximation >= $0.0 ? (rate.approximation / $0.0, $0.1) : nil
        }.first ?? (rate.approximation, "")
      return "\(RunTable.number(value)) \(prefix)\(unit)"
    }
    var changes = [(Kind.half, rate / Rational(2)), (.double, rate * Rational(2))].map {
      kind, value in Change(kind: kind, value: text(value)) { set(&$0, value) }
    }
    if mayBeFree { changes.append(Change(kind: .free, value: "infinite") { set(&$0, nil) }) }
    return WhatIfParameter(name: name, value: text(rate), changes: changes)
  }
}

extension Experiment.Modelled {
  /// Changes the wafer, where there is one.
  fileprivate mutating func changeWafer(_ change: (inout WaferDevice) -> Void) {
    guard case .wafer(var changed) = device else { return }
    change(&changed)
    device = .wafer(changed)
  }

  /// Changes the accelerator, where there is one.
  fileprivate mutating func changeAccelerator(_ change: (inout Accelerator) -> Void) {
    guard case .accelerators(var group) = device else { return }
    change(&group.accelerator)
    device = .accelerators(group)
  }
}

extension Calibration {
  /// The same with other coefficients.
  fileprivate mutating func change(_ change: (inout Coefficients) -> Void) {
    var coefficients = coefficients
    change(&coefficients)
    self = Calibration(
      name: name, wafer: wafer, coefficients: coefficients, rows: rows, groups: groups)
  }
}
