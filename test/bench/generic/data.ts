/**
 * A small shop: four services and one deep question, after the public benchmark of federation gateways (users, inventory,
 * products, reviews). The data are our own and always the same.
 */
type User = { id: string; name: string; username: string; birthday: number };
type Product = { upc: string; name: string; price: number; weight: number };
type Review = { id: string; body: string; author: string; product: string };

export const users: readonly User[] = ['Ask', 'Embla', 'Sol', 'Måne', 'Hav', 'Eik'].map((name, i) => ({
  id: `u${i + 1}`,
  name: `${name} Testdal`,
  username: name.toLowerCase(),
  birthday: 1_950 + i * 7,
}));
export const products: readonly Product[] = [
  'Bord',
  'Stol',
  'Lampe',
  'Bok',
  'Krus',
  'Teppe',
  'Hylle',
  'Speil',
  'Vase',
].map((name, i) => ({ upc: `p${i + 1}`, name, price: 100 + i * 350, weight: 10 + ((i * 370) % 900) }));
/** Each user has reviewed three products, in turn. */
export const reviews: readonly Review[] = users.flatMap((user, i) =>
  [0, 1, 2].map((k) => ({
    id: `r${i * 3 + k + 1}`,
    body: `Vurdering ${i * 3 + k + 1}: ${'god og solid '.repeat(3)}`,
    author: user.id,
    product: products[(i * 2 + k) % products.length]!.upc,
  })),
);
export const inStock = (upc: string): boolean => Number(upc.slice(1)) % 3 !== 0;

export const query = `query Shop {
  users { id username name reviews { id body product { inStock name price shippingEstimate upc weight
    reviews { id body author { id username name reviews { id body product { inStock name price shippingEstimate upc weight } } } } } } }
  topProducts { inStock name price shippingEstimate upc weight
    reviews { id body author { id username name reviews { id body product { inStock name price shippingEstimate upc weight } } } } }
}`;
