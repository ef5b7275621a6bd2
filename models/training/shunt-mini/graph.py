"""The ONNX graph of a static model: gather, dequantise, weigh, sum, normalise.

    input_ids [batch, seq] ----+--> Gather token_embeddings_q -> Cast -> [batch, seq, dim] --+
                               +--> Gather token_scales --+                                   |
    attention_mask ---> Cast ---> place weights ---------Mul -> [batch, 1, seq] ----------MatMul
                                                                    -> / its length -> sentence_embedding

Token t of n also counts by its place, min(1, max(HEAD / t, TAIL / (n + 1 - t))): the head of a prompt and its last
words say what it asks for, the middle is mostly material. The two initializers and these two numbers are all there is
to the model: normalise(sum over t of place * token_scales[id] * token_embeddings_q[id]), so a host may read them out
and leave the runtime aside."""
import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper

TABLE, SCALES = "token_embeddings_q", "token_scales"
HEAD, TAIL = 12, 4


def quantise(table):
    """float [pieces, dim] -> int8 rows and the scale of each row. A row of zeros keeps scale 0."""
    scales = (numpy.abs(table).max(1) / 127).astype(numpy.float32)
    rows = numpy.round(table / numpy.maximum(scales, 1e-30)[:, None])
    return numpy.clip(rows, -127, 127).astype(numpy.int8), scales


def place_weights(count):
    """What each of `count` tokens counts, by its place."""
    place = numpy.arange(1, count + 1)
    return numpy.minimum(1, numpy.maximum(HEAD / place, TAIL / (count + 1 - place))).astype(numpy.float32)


def build(rows, scales, name):
    nodes = [
        helper.make_node("Gather", [TABLE, "input_ids"], ["gathered"], axis=0),
        helper.make_node("Cast", ["gathered"], ["vectors"], to=TensorProto.FLOAT),
        helper.make_node("Gather", [SCALES, "input_ids"], ["gathered_scales"], axis=0),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("CumSum", ["mask", "axis"], ["place"]),
        helper.make_node("ReduceSum", ["mask", "one"], ["count"], keepdims=1),
        helper.make_node("Add", ["count", "unit"], ["count_plus_one"]),
        helper.make_node("Sub", ["count_plus_one", "place"], ["place_from_end"]),
        helper.make_node("Div", ["head", "place"], ["from_head"]),
        helper.make_node("Div", ["tail", "place_from_end"], ["from_tail"]),
        helper.make_node("Max", ["from_head", "from_tail"], ["nearer"]),
        helper.make_node("Min", ["nearer", "unit"], ["place_weight"]),
        helper.make_node("Mul", ["mask", "place_weight"], ["counted"]),
        helper.make_node("Mul", ["gathered_scales", "counted"], ["weights"]),
        helper.make_node("Unsqueeze", ["weights", "one"], ["weight_rows"]),
        helper.make_node("MatMul", ["weight_rows", "vectors"], ["sums"]),
        helper.make_node("Squeeze", ["sums", "one"], ["sum"]),
        helper.make_node("ReduceL2", ["sum"], ["length"], axes=[1], keepdims=1),
        helper.make_node("Max", ["length", "least_length"], ["safe_length"]),
        helper.make_node("Div", ["sum", "safe_length"], ["sentence_embedding"]),
    ]
    tensors = [
        numpy_helper.from_array(rows, TABLE),
        numpy_helper.from_array(scales, SCALES),
        numpy_helper.from_array(numpy.array([1], numpy.int64), "one"),
        numpy_helper.from_array(numpy.array(1, numpy.int64), "axis"),
        numpy_helper.from_array(numpy.array(1, numpy.float32), "unit"),
        numpy_helper.from_array(numpy.array(HEAD, numpy.float32), "head"),
        numpy_helper.from_array(numpy.array(TAIL, numpy.float32), "tail"),
        numpy_helper.from_array(numpy.array(1e-12, numpy.float32), "least_length"),
    ]
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "seq"]) for n in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info("sentence_embedding", TensorProto.FLOAT, ["batch", rows.shape[1]])]
    graph = helper.make_graph(nodes, name, inputs, outputs, tensors)
    model = helper.make_model(graph, producer_name="shunt", opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model
