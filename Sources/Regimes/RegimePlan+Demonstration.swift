import JSON

extension RegimePlan {
  /// The study of `surgeon regimes --demo`: MNIST-1D, an MLP and a batch-norm residual network, four temperatures and four densities, one
  /// dense network and two siblings each.
  /// - Throws: nothing but what a recipe that does not fit would.
  public static func demonstration() throws -> [RegimePlan] {
    try grids([
      "data": "mnist1d", "densities": [0.03, 0.06, 0.2, 0.5],
      "training": [
        "batch_size": 100, "learning_rate": 0.1, "epochs": 80,
        "schedule": ["kind": "step", "at": [0.5, 0.75], "factor": 0.1],
        "optimiser": ["kind": "sgd", "momentum": 0.9, "nesterov": false, "weight_decay": 0.0001],
      ],
      "retraining": ["epochs": 40], "measure": ["hessian": ["items": 500]],
      "grids": [
        "mlp": [
          "network": ["kind": "mlp", "hidden": [128, 128]],
          "temperature": ["knob": "epochs", "values": [2, 10, 40, 80]],
        ],
        "resnet": [
          "network": ["kind": "resnet1d", "depth": 8, "width": 16],
          "temperature": ["knob": "epochs", "values": [2, 10, 40, 80]],
        ],
      ],
    ])
  }
}
