"""Which of Keras's tests do not run against our classes, or not word for word, and why.

A test stands here for one of three reasons: it looks at something inside of Keras that no user sees; what it asks for
is mended here on purpose; or there is nothing to run yet. Where only a line of a test is meant, that line is edited and
the rest of the test holds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftOut:
    """A test that does not run.

    Attributes:
        file: Keras's test file, without its end.
        test: The test function; "*": every one of the file.
        reason: Why.
        keras: The versions of Keras that have this test; empty: all.
    """

    file: str
    test: str
    reason: str
    keras: str = ""


@dataclass(frozen=True)
class Edit:
    """A text of a test that is replaced, because the test as a whole has to hold.

    Attributes:
        file: Keras's test file, without its end.
        test: The test function.
        reason: Why.
        old: The text, which has to stand in the test exactly once.
        new: What it is replaced with.
        keras: The versions of Keras that have this text; empty: all.
    """

    file: str
    test: str
    reason: str
    old: str
    new: str
    keras: str = ""


_EMPTY = "Keras's test is empty: its body is a comment"

LEFT_OUT = [
    LeftOut("backup_and_restore_test", "*", "there is no BackupAndRestore of ours yet"),
    LeftOut("tensorboard_test", "test_TensorBoard_write_model", _EMPTY),
    LeftOut("tensorboard_test", "test_TensorBoard_write_sequential_model_no_input_shape", _EMPTY),
    LeftOut("tensorboard_test", "test_TensorBoard_write_sequential_model_with_input_shape", _EMPTY),
]

_SCHEDULE = (
    "mended: the error comes before training and says what to do; it is still a TypeError, with words of its own",
    '"This optimizer was created with a `LearningRateSchedule`",',
    '"that of Adam is a schedule, PolynomialDecay. Take one of the two",',
)
_PATHS = "mended, by Keras too: the tag of a weight has the whole path, so that two weights never share one"
_IN_BACKGROUND = "mended: it sends in the background; the test waits until it has"
_TIMEOUT = "mended: there is a timeout"
_SENT = (
    """requests_post.assert_called_once_with(
                monitor.root + monitor.path, json=send, headers=monitor.headers
            )""",
    """requests_post.assert_called_once_with(
                monitor.root + monitor.path, json=send, headers=monitor.headers, timeout=monitor.timeout
            )""",
)

EDITS = [
    Edit(
        "early_stopping_test",
        "test_early_stopping",
        "internal: in which form the direction of the metric is kept",
        "self.assertEqual(cbks[0].monitor_op, monitor_op)",
        "self.assertEqual(cbks[0]._monitor.direction, expected_mode)",
    ),
    Edit(
        "lambda_callback_test",
        "test_lambda_callback_with_additional_kwargs",
        "mended: a name that is not an event is an error, as it is misspelt more often than meant",
        """lambda_callback = callbacks.LambdaCallback(
            custom_method=custom_callback
        )
        self.assertTrue(hasattr(lambda_callback, "custom_method"))""",
        """with self.assertRaisesRegex(TypeError, "'custom_method' is not an event"):
            callbacks.LambdaCallback(custom_method=custom_callback)""",
    ),
    Edit("learning_rate_scheduler_test", "test_throws_when_optimizer_has_schedule", *_SCHEDULE),
    Edit(
        "model_checkpoint_test",
        "test_model_checkpoint_options",
        "mended: with save_best_only, a metric that does not come saves nothing instead of every time",
        """        with pytest.warns(UserWarning):
            model.fit(
                x_train,
                y_train,
                batch_size=BATCH_SIZE,
                validation_data=(x_test, y_test),
                callbacks=cbks,
                epochs=1,
                verbose=0,
            )
        self.assertTrue(os.path.exists(filepath))""",
        """        with pytest.warns(UserWarning, match="monitors 'unknown'"):
            model.fit(
                x_train,
                y_train,
                batch_size=BATCH_SIZE,
                validation_data=(x_test, y_test),
                callbacks=cbks,
                epochs=1,
                verbose=0,
            )
        self.assertFalse(os.path.exists(filepath))""",
    ),
    Edit(
        "orbax_checkpoint_test",
        "test_checkpoint_with_assets",
        "internal: the test calls private methods, as it cannot train; so it sends the events of an epoch instead",
        """callback._save_checkpoint(step=0)
        callback.checkpointer.close()""",
        """callback.on_train_begin()
        callback.on_epoch_end(0, {})
        callback.on_train_end()""",
        keras=">=3.15",
    ),
    Edit("reduce_lr_on_plateau_test", "test_throws_when_optimizer_has_schedule", *_SCHEDULE),
    Edit(
        "remote_monitor_test",
        "test_RemoteMonitor",
        "mended: a server that cannot be reached is told once, at the end, with what was not delivered and why",
        """        with warnings.catch_warnings(record=True) as warning_logs:
            warnings.simplefilter("always")
            monitor.on_epoch_end(0, logs={"loss": 0.0})
            self.assertIn(warning_msg, str(warning_logs[-1].message))""",
        """        with mock.patch.object(monitor, "print") as told:
            monitor.on_epoch_end(0, logs={"loss": 0.0})
            monitor.on_train_end()
        self.assertIn("1 of 1 epochs were not delivered to http://localhost:9000", told.call_args[0][0])""",
    ),
    *(
        Edit(
            "remote_monitor_test",
            test,
            _IN_BACKGROUND,
            "monitor.on_epoch_end(0, logs=logs)",
            "monitor.on_epoch_end(0, logs=logs); monitor.on_train_end()",
        )
        for test in ("test_RemoteMonitor_np_array", "test_RemoteMonitor_np_float32")
    ),
    *(
        Edit("remote_monitor_test", test, _TIMEOUT, *_SENT)
        for test in (
            "test_RemoteMonitor_np_array",
            "test_RemoteMonitor_np_float32",
            "test_RemoteMonitorWithJsonPayload",
        )
    ),
    Edit(
        "tensorboard_test",
        "test_TensorBoard_projector_callback",
        "mended: metadata that are not there are warned of, so here they are there",
        "logdir, _, _ = self._get_log_dirs()",
        """logdir, _, _ = self._get_log_dirs()
        os.makedirs(logdir)
        with open(os.path.join(logdir, "metadata.tsv"), "w") as f:
            f.write("a label\\n" * 10)""",
    ),
    Edit(
        "tensorboard_test",
        "test_TensorBoard_projector_callback",
        "mended: Keras names a tensor in a checkpoint that nobody writes, ours a file beside the events of training",
        """        with open(os.path.join(logdir, "projector_config.pbtxt")) as f:
            self.assertEqual(
                f.readlines(),
                [
                    "embeddings {\\n",
                    "  tensor_name: "
                    '"layer_with_weights-0/embeddings/.ATTRIBUTES/'
                    'VARIABLE_VALUE"\\n',
                    '  metadata_path: "metadata.tsv"\\n',
                    "}\\n",""",
        """        with open(os.path.join(logdir, "train", "projector_config.pbtxt")) as f:
            self.assertEqual(
                f.readlines(),
                [
                    "embeddings {\\n",
                    '  tensor_name: "test_embedding"\\n',
                    '  metadata_path: "embeddings/test_embedding.metadata.tsv"\\n',
                    "  tensor_shape: 10\\n",
                    "  tensor_shape: 10\\n",
                    '  tensor_path: "embeddings/test_embedding.tsv"\\n',
                    "}\\n",""",
    ),
    Edit(
        "tensorboard_test",
        "test_TensorBoard_weight_histograms",
        _PATHS,
        'self._strip_layer_names(summary_file.histograms, "sequential")',
        "self._strip_to_only_final_name(summary_file.histograms)",
        keras="<3.15",
    ),
    Edit(
        "tensorboard_test",
        "test_TensorBoard_weight_images",
        _PATHS,
        "self._strip_layer_names(summary_file.histograms, model_type)",
        "self._strip_to_only_final_name(summary_file.histograms)",
        keras="<3.15",
    ),
    Edit(
        "tensorboard_test",
        "test_TensorBoard_weight_images",
        _PATHS,
        "self._strip_variable_names(summary_file.images)",
        '{s._replace(tag="/".join(s.tag.split("/")[-2:])) for s in summary_file.images}',
        keras="<3.15",
    ),
]
